/** Who somebody is in Slack: name, zone and language, asked once in a while. A command never waits long for it, nor fails with it. */
import type { Clock, Log } from '../../engine/types.ts';
import type { Speaker } from '../chat/chat.ts';
import { type Origin, wordAt } from './events.ts';
import type { Workspaces } from './workspaces.ts';

/** People travel, but not by the hour. */
const FRESH = 6 * 3_600_000;
/** After a failure: long enough not to ask at every word. */
const FAILED = 5 * 60_000;
/** What a person waits at most before their command begins. */
const PATIENCE = 1_500;
const MOST = 2_000;

export const identityOf = ({ team, user }: Pick<Origin, 'team' | 'user'>): string => `${team}/${user}`;

export interface Speakers {
  of(origin: Origin): Promise<Speaker>;
  /** What is known already. */
  known(origin: Origin): Speaker;
}

export function createSpeakers({
  workspaces,
  clock,
  log,
}: {
  workspaces: Workspaces;
  clock: Clock;
  log: Log;
}): Speakers {
  const cache = new Map<string, { speaker: Speaker; until: number }>();
  const asking = new Map<string, Promise<void>>();

  const bare = (origin: Origin): Speaker => ({ id: identityOf(origin), name: origin.name ?? 'somebody in Slack' });

  const keep = (speaker: Speaker, ms: number): void => {
    cache.delete(speaker.id);
    cache.set(speaker.id, { speaker, until: clock.now().getTime() + ms });
    const [oldest] = cache.keys();
    if (cache.size > MOST && oldest !== undefined) cache.delete(oldest);
  };

  async function ask(origin: Origin): Promise<void> {
    const known = cache.get(identityOf(origin))?.speaker ?? bare(origin);
    try {
      const { call } = await workspaces.of(origin.team, origin.enterprise);
      const { user } = await call('users.info', { user: origin.user, include_locale: true });
      const name = wordAt(user, 'profile', 'display_name') ?? wordAt(user, 'real_name') ?? wordAt(user, 'name');
      const zone = wordAt(user, 'tz');
      const locale = wordAt(user, 'locale');
      keep(
        {
          id: known.id,
          name: name ?? known.name,
          ...(zone === undefined ? {} : { zone }),
          ...(locale === undefined ? {} : { locale }),
        },
        FRESH,
      );
    } catch (error) {
      keep(known, FAILED);
      log('warn', 'slack.unknown_speaker', { error });
    }
  }

  const known = (origin: Origin): Speaker => cache.get(identityOf(origin))?.speaker ?? bare(origin);

  return {
    known,
    async of(origin) {
      const id = identityOf(origin);
      const there = cache.get(id);
      if (there && there.until > clock.now().getTime()) return there.speaker;
      const asked = asking.get(id) ?? ask(origin).finally(() => asking.delete(id));
      asking.set(id, asked);
      const enough = new AbortController();
      await Promise.race([asked, clock.sleep(PATIENCE, enough.signal).catch(() => {})]);
      enough.abort();
      return known(origin);
    },
  };
}
