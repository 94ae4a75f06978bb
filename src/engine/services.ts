/** What commands and surfaces may use; `main.ts` and `cli.ts` put the real ones together, tests put their own. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Config } from './config.ts';
import type { Store } from './store/store.ts';
import type {
  Caller,
  Clock,
  Counts,
  Form,
  Health,
  Identity,
  Instant,
  Location,
  Log,
  MailAnswered,
  OutboxMessage,
  Path,
  Person,
  Plan,
  Provider,
  ProviderKind,
  Reply,
  Run,
  SnapshotRecord,
  Suggestion,
  Thread,
  Traits,
  Trigger,
  Wanted,
  Why,
} from './types.ts';

export interface KindSummary {
  name: string;
  title: string;
  aliases: readonly string[];
  roles: readonly ('source' | 'destination')[];
  rootExample: string;
}

/** The list of providers (`src/providers/index.ts`); the engine does not import it. */
export interface KindRegistry {
  list(): readonly KindSummary[];
  /** Loads the driver's file. `UsageError` with the nearest name for an unknown kind. */
  load(name: string): Promise<ProviderKind>;
}

/** A location with its provider opened and wrapped (retry, rate limit, bandwidth). */
export interface OpenLocation {
  location: Location;
  provider: Provider;
  /** The kind's traits with what was learned at `open`. */
  traits: Traits;
  close(): Promise<void>;
}

export interface Places {
  /** `NotFound` for an unknown account, `AuthRequired` when it needs a sign-in. */
  open(location: Location, signal: AbortSignal, limit?: number): Promise<OpenLocation>;
  check(location: Location, signal: AbortSignal): Promise<Health>;
}

export interface Sealer {
  /** AES-256-GCM; `purpose` is authenticated, so that a sealed value cannot be moved to another field. */
  seal(plain: string, purpose: string): string;
  /** `AuthRequired` with advice about the key when it was sealed with another one. */
  unseal(sealed: string, purpose: string): string;
}

export interface Outbox {
  /** The document to store in the same `commit` as what it reports; the same key is delivered once. */
  message(
    to: Person,
    surface: string,
    key: string,
    reply: Reply,
    about?: OutboxMessage['about'],
    o?: { conversation?: string; due?: Instant; answers?: MailAnswered; address?: string },
  ): OutboxMessage;
  /** Delivers what is due now; answers how many were sent. */
  deliver(signal: AbortSignal): Promise<number>;
  /** Somebody waits for what was just written: whoever delivers in this process looks at once. */
  wake(): void;
  /** Called at each `wake`; answers how to end that. */
  onWake(look: () => void): () => void;
}

/** Delivers one message on one surface. Throws `RetryLater` to be tried again, anything else after all tries is dead. */
export interface Deliverer {
  surface: string;
  deliver(message: OutboxMessage, to: Person, signal: AbortSignal): Promise<void>;
}

export interface Preview {
  counts: Counts;
  /** By reason, with up to ten sample paths each. */
  why: Partial<Record<Why, { files: number; bytes: number; samples: Path[] }>>;
  /** Per destination: free bytes where known, and whether it fits. */
  fits: { destination: string; free?: number; fits?: boolean }[];
  /** Seconds, from the rates of earlier runs; absent when nothing is known. */
  time?: number;
}

export interface RestoreRequest {
  plan: Plan;
  /** Index of the destination to read from; the first that works when absent. */
  destination?: number;
  files: readonly string[];
  from?: { snapshot: string } | { at: Instant };
  to?: Location;
  existing: 'keep_both' | 'replace' | 'skip' | 'ask';
}

export interface RestorePreview {
  snapshot: SnapshotRecord;
  files: number;
  bytes: number;
  /** Files that are already at the target with the same bytes as far as can be told. */
  same: number;
  /** Files that are already there and differ. */
  existing: number;
  samples: Path[];
  to: Location;
}

export interface RestoreResult extends RestorePreview {
  restored: number;
  skipped: number;
  failed: { path: Path; message: string }[];
}

export interface VerifyResult {
  snapshot: SnapshotRecord;
  how: 'quick' | 'sample' | 'full';
  files: number;
  bytes: number;
  bad: { path: Path; what: string }[];
}

export interface FoundFile {
  plan: Plan;
  path: Path;
  size: number;
  modified?: Instant;
  about?: Record<string, string>;
}

export interface Adopted {
  plan: Plan;
  /** The newest that is whole. */
  snapshot: SnapshotRecord;
  /** Snapshots at that place that are not, newest first; which plan they are of cannot always be told. */
  damaged: readonly { run: string; message: string }[];
}

/** Runs and everything that reads or writes destinations. */
export interface Backup {
  /** Queues a run, or answers the one that is already queued or running. `approved`: the guard's question was answered with yes. */
  start(plan: Plan, trigger: Trigger, approved?: boolean): Promise<Run>;
  /** States of a run until it ended, a few a second at most; starts with the present one. */
  watch(run: string, signal: AbortSignal): AsyncIterable<Run>;
  /** Asks the running worker to stop; answers the run, if there is one. */
  stop(plan: Plan): Promise<Run | undefined>;
  /** Works a queued run to its end in this process: lease, copy, snapshot, retention, report. */
  work(run: string, signal: AbortSignal): Promise<Run>;
  preview(plan: Plan, signal: AbortSignal): Promise<Preview>;
  snapshots(plan: Plan): AsyncIterable<SnapshotRecord>;
  find(plans: readonly Plan[], words: readonly string[], limit: number, signal: AbortSignal): AsyncIterable<FoundFile>;
  previewRestore(request: RestoreRequest, signal: AbortSignal): Promise<RestorePreview>;
  /** Yields progress; the last item is the result. */
  restore(
    request: RestoreRequest,
    signal: AbortSignal,
  ): AsyncIterable<{ progress: Run['progress'] } | { result: RestoreResult }>;
  verify(
    plan: Plan,
    how: VerifyResult['how'],
    signal: AbortSignal,
  ): AsyncIterable<{ progress: Run['progress'] } | { result: VerifyResult }>;
  /** Reads the newest manifests below a location and makes plans, snapshots and catalog out of them. */
  adopt(location: Location, owner: Person, signal: AbortSignal): Promise<Adopted[]>;
}

/** Keeps Agenda's one dated job per plan in step with the plan's `schedule`, `state` and `pausedUntil`. */
export interface Scheduler {
  /** Computes `next`, stores it in the plan and dates the job; answers the plan as stored. */
  schedule(plan: Plan): Promise<Plan>;
  cancel(plan: Plan): Promise<void>;
}

export interface Services {
  config: Config;
  store: Store;
  clock: Clock;
  log: Log;
  sealer: Sealer;
  kinds: KindRegistry;
  places: Places;
  outbox: Outbox;
  backup: Backup;
  scheduler: Scheduler;
  /** Asks for a secret on the caller's surface without echo; absent where no secret may be typed. */
  askSecret?(label: string, help?: string): Promise<string>;
  /** A reply as a PDF (A4). Absent where no browser can be started. */
  reportPdf?(reply: Reply, o: { zone: string }): Promise<Uint8Array>;
}

/** `edit`, `filter` and `restore` are about `caller.about`. */
export type FormName = 'new' | 'edit' | 'filter' | 'restore' | 'connect';

/** What stands behind a button that is too small for it. */
export interface Control {
  line?: string;
  form?: Form;
  about?: { plan?: string; run?: string };
}

/** Sealed values of a surface (installation tokens), by id. */
export interface Vault {
  get(id: string): Promise<string | undefined>;
  put(id: string, value: string): Promise<void>;
  remove(id: string): Promise<void>;
}

/** A page that a surface answers, wherever the port is listened on. */
export interface Page {
  /** `/mail/confirm/:token`; a `:name` stands for one part of the path. */
  path: string;
  methods: readonly ('GET' | 'POST')[];
  handle(request: IncomingMessage, response: ServerResponse, params: Readonly<Record<string, string>>): Promise<void>;
}

/** What a reply token stands for: 128 random bits that only its reader and, hashed, the store know. */
export interface ReplyTokenOrder {
  person: string;
  about?: { plan?: string; run?: string };
  /** The answer to the question in that message ("yes 1a2b3c4d"): a plain "yes" in reply means this one. */
  confirm?: string;
  /** What is asked, for the page where it is answered by a click: a title, and lines that explain it. */
  question?: string;
}

export interface ReplyToken extends ReplyTokenOrder {
  /** Of the pending document, for `Caller.proof`. */
  id: string;
  /** A command that changes something was already given with it. */
  used: boolean;
}

export interface Tokens {
  /** A new token (26 characters of a-z2-7), good for 14 days. */
  reply(o: ReplyTokenOrder): Promise<string>;
  /** Undefined for one that is unknown or too old. */
  findReply(token: string): Promise<ReplyToken | undefined>;
  /** For `List-Unsubscribe`: good for a year, for nothing but ending these mails. */
  unsubscribe(o: { person: string; plan?: string }): Promise<string>;
  findUnsubscribe(token: string): Promise<{ person: string; plan?: string } | undefined>;
}

/** All that a surface may use of the engine. A surface carries, it does not think. */
export interface SurfaceServices {
  /** Yields at least one reply for every line, each event (`caller.key`) once; see `commands/dispatch.ts`. */
  dispatch(line: string, caller: Caller): AsyncIterable<Reply>;
  /**
   * The person behind an identity; somebody unknown comes back as a stranger, who is not stored. Zone and locale are kept
   * for a person who has none yet.
   */
  person(identity: Identity, o: { name: string; zone?: string; locale?: string }): Promise<Person>;
  /** What the caller may mean, best first, at most 25 and within about a second: what was found until then. */
  suggest(wanted: Wanted, caller: Caller): Promise<Suggestion[]>;
  /** A form to open at once, without a line having been said; undefined where the caller has nothing to fill it with. */
  form(what: FormName, caller: Caller): Promise<Form | undefined>;
  /**
   * The card of a run: its present state at once, then a few a second at most, until its end. A run that a shutdown cut
   * off goes on as another run, and so does its card. `shared` is said in the conversation that the plan is shared with.
   */
  follow(run: string, signal: AbortSignal, conversation?: string): AsyncIterable<Reply>;
  threads: {
    keep(thread: Thread): Promise<void>;
    /** A card shows its last state. One that was deleted meanwhile (`forget me`) is not written again. */
    close(thread: Thread): Promise<void>;
    at(surface: string, reference: string): Promise<Thread | undefined>;
    ofRun(surface: string, run: string): Promise<Thread[]>;
    /** Cards whose last state is not shown yet. */
    open(surface: string): AsyncIterable<Thread>;
    /** True for the one process that goes on with this card; to be asked again within 30 s, or another may take it. */
    hold(thread: Thread): Promise<boolean>;
  };
  controls: {
    /** The same control has the same id (at most 32 characters of a-z0-9). Kept for 90 days after it was last shown. */
    keep(control: Control): Promise<string>;
    find(id: string): Promise<Control | undefined>;
  };
  vault: Vault;
  /** For people who have not set one. */
  zone: string;
  /** The operator allowed one-time codes (never passwords) to be typed in chat. */
  codesInChat: boolean;
  clock: Clock;
  log: Log;
}

/** What mail uses besides: nobody is signed in there, and what comes in is not trusted. */
export interface MailServices extends SurfaceServices {
  tokens: Tokens;
  /** Somebody who is known; undefined for a stranger. */
  known(identity: Identity): Promise<Person | undefined>;
  /** By their id; undefined when they are gone. */
  personOf(id: string): Promise<Person | undefined>;
  /** Writes a message into the outbox; one with the same key only once. Answers false when it was there already. */
  send(message: OutboxMessage): Promise<boolean>;
  /** There is a message with this id in the outbox, waiting or sent. */
  isWritten(id: string): Promise<boolean>;
  message: Outbox['message'];
  /**
   * Into the audit trail: what came in and was not done, with the reason. Shown to the owner, never to who sent it. Of many
   * within an hour only the first are written down.
   */
  turnedAway(o: { person?: Person; surface: string; line: string; why: string }): Promise<void>;
  /** One more answer to this address: false when it had `most` within the last hour. The same `key` counts once. */
  allow(o: { address: string; most: number; key?: string }): Promise<boolean>;
  /**
   * An address that its server refuses for good: it is marked, and its person told where else they are. `message`: the
   * Message-ID of ours that came back, when a mail says so; anybody who has seen one can write that, so it takes two.
   */
  bounced(o: { address: string; why: string; message?: string }): Promise<void>;
  /** Ends the mails of a plan, or all of them, as `List-Unsubscribe` asks. */
  endMails(o: { person: string; plan?: string }): Promise<void>;
  /** `closed`: why answers cannot be read this way until somebody mends it, for `status` and `mail`; without it all is well. */
  markDoor(o: { name: string; closed?: string }): Promise<void>;
}
