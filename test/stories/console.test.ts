import { consoleKind } from './console-driver.ts';
import { play } from './play.ts';

play(consoleKind);
