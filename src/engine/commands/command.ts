/** What a command is, what the grammar hands it, and what it may use. */

import type { Services } from '../services.ts';
import type { Caller, Filter, Instant, Person, Plan, Reply, ReportWhen, Retention, Role, Schedule } from '../types.ts';

/** A location as typed, resolved by the grammar against the names it knows. */
export interface LocationText {
  /** As written. */
  text: string;
  /** An account's name, when one was named. */
  account?: string;
  /** A provider kind ("gdrive"), also for a folder of this machine ("local"). */
  kind: string;
  /** What follows the colon, or the folder; empty for the whole account. */
  root: string;
}

/** The parts of a plan that `create` and `edit` share. */
export interface PlanOptions {
  schedule?: Schedule;
  /** Only what was said; `edit` replaces just these. */
  filter?: Filter;
  retention?: Retention;
  name?: string;
  report?: ReportWhen;
  /** Bytes per second; 0 removes the limit. */
  limit?: number;
  layout?: string;
}

export interface CommandArgs {
  /** `line` is the canonical line that makes the plan again (`lineOf`), not the words typed. */
  create: PlanOptions & { source: LocationText; destinations: LocationText[]; line: string };
  preview: { plan?: string; draft?: CommandArgs['create'] };
  list: Record<never, never>;
  show: { plan: string };
  /** `anyway`: the guard's question was read and answered with yes. */
  run: { plan?: string; anyway?: true };
  stop: { plan?: string };
  pause: { plan?: string; until?: Instant };
  resume: { plan?: string };
  /** Replaces only what was said; nothing said asks what should change. `everything` keeps all versions again; an empty `layout` removes the template. */
  edit: Omit<PlanOptions, 'retention'> & {
    plan: string;
    retention?: Retention | 'everything';
    /** "all files" was said: the old filter is forgotten before `filter` is applied. */
    clearFilter?: true;
    /** Parts of the old filter that are forgotten, the others staying. */
    without?: readonly (keyof Filter)[];
  };
  delete: { plan: string };
  /** Takes back the caller's last change, or their last change of this plan. */
  undo: { plan?: string };
  status: Record<never, never>;
  history: { plan?: string };
  snapshots: { plan?: string };
  find: { words: string[]; plan?: string };
  restore: {
    plan?: string;
    /** Names or globs; empty: everything. */
    files: string[];
    /** A snapshot's id (or its beginning), or the newest one at or before an instant. */
    from?: { snapshot: string } | { at: Instant };
    to?: LocationText;
    existing?: 'keep_both' | 'replace' | 'skip';
  };
  verify: { plan?: string; how?: 'quick' | 'sample' | 'full' };
  adopt: { location: LocationText };
  /** `settings` are `name=value` pairs typed on the terminal; secrets are asked for, never read from the line. */
  connect: { kind: string; name?: string; settings: Record<string, string> };
  accounts: Record<never, never>;
  disconnect: { account: string };
  when: { phrase: string };
  timezone: { zone?: string };
  whoami: Record<never, never>;
  /** Redeems the code that the log printed at the first start. */
  claim: { code: string };
  /** To a question of a service. `id` as the question shows it; without one, the only question that is open. */
  answer: { id?: string; said: { code: string } | 'not now' };
  /** Without a code: asks for one, to be said on the other surface. */
  link: { code?: string };
  /** `id` tells two identities on one surface apart. */
  unlink: { surface: string; id?: string };
  invite: { role?: Role; name?: string };
  join: { code: string };
  people: Record<never, never>;
  role: { person: string; role: Role };
  /** Without a person: the caller. */
  forget: { person?: string };
  /** With the conversation it is said in. */
  share: { plan: string };
  unshare: { plan: string };
  help: { command?: string };
  /** The newest ended run's report again, or that of the run which is answered. */
  report: { plan?: string; as?: 'pdf' };
  /** What went wrong in the run that is answered, or in the newest with problems. */
  why: { plan?: string };
  /** Whether reports are mailed; without a plan those of all backups of the caller. */
  reports: { plan?: string; mailed: boolean };
  /** Where reports are mailed to: shown, or asked to be changed. */
  mail: { address?: string };
}

export type CommandName = keyof CommandArgs;

export type ParsedCommand = { [N in CommandName]: { name: N; args: CommandArgs[N] } }[CommandName];

/** What the grammar makes of a line. Only `command` acts; everything else is shown. */
export type Parsed =
  | { outcome: 'command'; command: ParsedCommand }
  | {
      outcome: 'clarify';
      /** What was understood ("icloud to gdrive"), the question, and whole lines to choose from. */
      read: string;
      question: string;
      choices: { label: string; line: string }[];
      code?: string;
    }
  | {
      outcome: 'error';
      code: string;
      read: string;
      /** The words that were not understood. */
      unread: string;
      message: string;
      choices: { label: string; line: string }[];
      /** One working example. */
      example: string;
    };

/** Everything the grammar may know; it does no I/O and reads no clock. */
export interface Vocabulary {
  now: Date;
  zone: string;
  accounts: readonly { name: string; kind: string }[];
  kinds: readonly {
    name: string;
    title: string;
    aliases: readonly string[];
    roles: readonly ('source' | 'destination')[];
  }[];
  plans: readonly { name: string }[];
  /** Name of the plan that a reply or a button refers to; makes `<plan>` optional. */
  plan?: string;
}

export interface Command<N extends CommandName = CommandName> {
  name: N;
  /** One line for `help`. */
  summary: string;
  /** A line that works as typed. */
  example: string;
  needs: Role;
  /** It changes nothing: done also for a caller whose word is only half proved (`Caller.proof`). */
  looks?: true;
  /**
   * Asks for a confirmation before it acts: what will happen, with the object named, and the words of the button.
   * Undefined when this time nothing needs asking.
   */
  danger?(
    args: CommandArgs[N],
    caller: Caller,
    services: Services,
  ): Promise<{ title: string; text: string; label: string } | undefined>;
  run(args: CommandArgs[N], caller: Caller, services: Services): AsyncIterable<Reply>;
}

/** Plans that a person may see: their own; an owner sees all. */
export const maySee = (person: Person, plan: Pick<Plan, 'owner'>): boolean =>
  person.role === 'owner' || plan.owner === person.id;
