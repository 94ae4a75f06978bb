/** One use of a command, button, menu or modal, as the person who did it sees it. */
import { KIND } from './interactions.ts';
import { type Message, seen } from './seen.ts';
import { LIMITS, type Pending, type Stored, type User, type World } from './world.ts';

/** One use of a command, button, menu or modal, and what came of it. */
export interface Interaction {
  id: string;
  token: string;
  /** Real milliseconds until the initial answer; undefined before it. */
  readonly ackMs: number | undefined;
  /** The initial answer was "is thinking" or nothing visible. */
  readonly deferred: boolean;
  /** The answer is for this person alone. */
  readonly ephemeral: boolean;
  /** There is more to see than "is thinking". */
  readonly answered: boolean;
  /** What the person reads when no initial answer came within 3 seconds of the server's clock. */
  failed(): string | undefined;
  /** The answer and what followed it, as they are now. */
  messages(): Message[];
  /** What was refused to the bot about it. */
  refused(): readonly { code: number; message: string }[];
  /** How often the bot was told. */
  deliveries(): number;
  /** Resolves with the initial answer (default 5 s of real time). */
  acked(ms?: number): Promise<Interaction>;
  /** Resolves with the first message that is not "is thinking". */
  answer(ms?: number): Promise<Message>;
}

export type WaitFor = <T>(look: () => T | undefined | false | null, ms?: number, what?: string) => Promise<T>;

export function createHandle(o: { world: World; user: User; waitFor: WaitFor }, pending: Pending): Interaction {
  const { world, user, waitFor } = o;
  const all = (): Stored[] =>
    [pending.original, ...pending.followups].filter((one): one is Stored => one !== undefined && !one.deleted);
  const own = (one: Stored): boolean => one.onlyFor === undefined || one.onlyFor === user.id;
  const told = (): Stored[] => all().filter((one) => own(one) && !one.loading);
  const interaction: Interaction = {
    id: pending.id,
    token: pending.token,
    get ackMs() {
      return pending.ack?.ms;
    },
    get deferred() {
      return pending.ack?.type === 5 || pending.ack?.type === 6;
    },
    get ephemeral() {
      return pending.original?.onlyFor !== undefined;
    },
    get answered() {
      return told().length > 0 || pending.modal !== undefined || pending.choices !== undefined;
    },
    failed() {
      if (pending.ack !== undefined || world.now() - pending.created <= LIMITS.answer) return undefined;
      return pending.type === KIND.command ? 'The application did not respond' : 'This interaction failed';
    },
    messages: () =>
      all()
        .filter(own)
        .map((one) => seen(world, one)),
    refused: () => pending.refused,
    deliveries: () => pending.deliveries,
    async acked(ms) {
      await waitFor(() => pending.ack, ms, `an initial answer to ${pending.name}`);
      return interaction;
    },
    async answer(ms) {
      const message = await waitFor(() => told()[0], ms, `a message that answers ${pending.name}`);
      return seen(world, message);
    },
  };
  return interaction;
}
