import { mailKind } from './mail-driver.ts';
import { play } from './play.ts';

play(mailKind('stingy'));
