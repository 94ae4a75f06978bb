/** What all connections to one IMAP server share. */
import type { Clock } from '../../../src/engine/types.ts';
import type { Session } from './session.ts';
import type { ImapAccount } from './store.ts';
import type { WireFaults } from './wire.ts';

export interface FaultState extends WireFaults {
  refusals: { count: number; verb: string | undefined; text: string; code: string | undefined }[];
  login: 'permanent' | 'temporary' | undefined;
  /** BYE instead of a greeting, with these words. */
  busy: string | undefined;
  /** Milliseconds before each answer. */
  slow: number;
  /** IDLE tells of nothing. */
  deafIdle: boolean;
}

export interface ImapWorld {
  accounts: Map<string, ImapAccount>;
  capabilities: Set<string>;
  clock: Clock;
  faults: FaultState;
  sessions: Set<Session>;
  violations: string[];
  /** Mails that became `\Seen` by being read. */
  seen: string[];
  commands: string[];
  /** Successful and refused. */
  logins: number;
}

/** RFC 2177 section 3: a client begins IDLE again at least every 29 minutes, since servers hang up after 30. */
export const LONGEST_IDLE = 29 * 60_000;

export function idleProblem(session: Session): string | undefined {
  if (!session.idleSince) return undefined;
  const ms = session.world.clock.now().getTime() - session.idleSince.getTime();
  return ms > LONGEST_IDLE ? `IMAP: IDLE for ${Math.round(ms / 60_000)} minutes` : undefined;
}
