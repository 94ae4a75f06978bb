import { discordKind } from './discord-driver.ts';
import { play } from './play.ts';

play(discordKind('stingy'));
