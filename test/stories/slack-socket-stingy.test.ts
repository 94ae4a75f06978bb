import { play } from './play.ts';
import { slackKind } from './slack-driver.ts';

play(slackKind('socket', 'stingy'));
