/** Every noun of Keepsake. Imports nothing, so that any file may import it. */

/** Relative, `/`-separated, without empty, `.` or `..` parts; made and checked by `path.ts`. */
export type Path = string;
/** ISO 8601 in UTC with milliseconds, e.g. `2026-11-22T03:00:00.000Z`. */
export type Instant = string;
/**
 * Pulled, never pushed. A chunk belongs to its consumer only until the next one is pulled: a producer may then reuse
 * the buffer, so whoever keeps a chunk copies it. The last chunk with bytes in it is its consumer's for good.
 */
export type Bytes = AsyncIterable<Uint8Array>;

export type HashName = 'md5' | 'sha1' | 'sha256' | 'sha512' | 'crc32c' | 'quickxor' | 'dropbox';
/** Lower-case hex. */
export type Hashes = Partial<Record<HashName, string>>;

// ---------------------------------------------------------------------------------------------- files and providers

export interface Entry {
  path: Path;
  /** The provider's own handle, stable across renames where the service has such a thing; else the path. */
  id: string;
  /** Bytes. Absent where the service does not tell before the bytes are read. */
  size?: number;
  modified?: Instant;
  /** Changes when, and only when, the bytes change (ETag, revision, mtime+size+inode). */
  version?: string;
  hashes?: Hashes;
  mime?: string;
  /** Album, favourite, camera, place, from, subject ... */
  about?: Record<string, string>;
  /** Files that belong together: Live Photo pair, RAW+JPEG, edit. */
  group?: string;
}

export interface CallOptions {
  signal: AbortSignal;
}

/** What an interrupted upload needs to go on; kept in the store under a key of plan, destination, path and version. */
export interface UploadMemo {
  load(): Promise<string | undefined>;
  /** `undefined` forgets it. */
  save(state: string | undefined): Promise<void>;
}

export interface NewFile {
  path: Path;
  /** Bytes, where known before the end. A provider fails a body of another length (`IntegrityError`). */
  size?: number;
  modified?: Instant;
  mime?: string;
  /** A small file arrives whole, so that one request can carry its length and its hash; a large one as a stream from byte 0. */
  content: Uint8Array | Bytes;
  /** Of the whole content. Always has sha256 when `content` is a Uint8Array; for a stream only what the source promised. */
  hashes?: Hashes;
  memo?: UploadMemo;
}

export interface Health {
  /** Who is signed in, as the service says it ("ana@example.org"); never a secret. */
  account?: string;
  /** Bytes; absent where the service does not tell. */
  free?: number;
  total?: number;
  /** One sentence the owner should know ("this server keeps no modification times"). */
  note?: string;
}

/**
 * One opened location. Three methods are required; a method that is present is a capability.
 * After any throw nothing half-done is visible at the service.
 *
 * Every method throws the classes of `errors.ts` and nothing else that it can foresee: `RetryLater`, `AuthRequired`,
 * `QuotaExceeded`, `FileRejected`, `NotFound`, `Conflict`, `IntegrityError`, `UsageError`; and the signal's reason
 * once `signal` is aborted.
 */
export interface Provider {
  /** What was learned at `open` and differs from the kind's traits (a case-insensitive volume, a server without ranges). */
  readonly traits?: Partial<Traits>;
  /**
   * The cheapest honest proof that the login works; `AuthRequired` if it does not, `NotFound` if the root is not there,
   * with the code `root_missing` where the first write would make it.
   */
  check(o: CallOptions): Promise<Health>;
  /**
   * Every file below the root (or below the folder `under`), streamed, in any order, folders themselves not included.
   * A folder `under` that is not there yields nothing; a root that is not there throws `NotFound` unless the provider
   * would create it by writing. A listing that could not be completed throws: it never just ends.
   */
  list(o: CallOptions & { under?: Path }): AsyncIterable<Entry>;
  /**
   * The bytes from offset `from` (default 0). `NotFound` when it is gone; `Conflict` when `entry.version` is given and
   * the service can tell that the bytes are no longer those.
   */
  read(entry: Pick<Entry, 'path' | 'id' | 'size' | 'version'>, o: CallOptions & { from?: number }): Promise<Bytes>;
  /**
   * Creates or replaces; parents are made. `size` is in the answer only if the service itself confirmed it, and `hashes`
   * only those that the service computed (or checked) over what it stored.
   */
  write?(file: NewFile, o: CallOptions): Promise<Entry>;
  /** Makes a folder that will soon be written into, with its parents, as `write` would. For places where that takes time. */
  makeFolder?(folder: Path, o: CallOptions): Promise<void>;
  /**
   * Asks about single files with as few requests as the service allows (one listing per folder, one look each). Answers
   * those that are there, as the service sees them now, in any order. Confirms what `write` could not, and tells before
   * a new file is written whether something of that name lies there already.
   */
  confirm?(paths: readonly Path[], o: CallOptions): Promise<Entry[]>;
  /** Removing what is not there is fine. */
  remove?(entry: Pick<Entry, 'path' | 'id'>, o: CallOptions): Promise<void>;
  /**
   * Removes what interrupted writes have left aside (no listing shows it) and nobody has touched since `before`. For
   * places where a write that is cut leaves something behind; asked after a run that did not come to its end.
   */
  sweep?(o: CallOptions & { before: Instant }): Promise<void>;
  /** Server-side; parents are made; an existing target is replaced. `NotFound` when the entry is not there. */
  move?(entry: Pick<Entry, 'path' | 'id'>, to: Path, o: CallOptions): Promise<Entry>;
  /** Server-side copy out of another opened location of the same kind; throws `UsageError` where the two cannot reach each other. */
  copyFrom?(entry: Entry, from: Provider, to: Path, o: CallOptions): Promise<Entry>;
  /** Delta feed since `cursor` (undefined: everything). The last item carries the next cursor. */
  changes?(cursor: string | undefined, o: CallOptions): AsyncIterable<Change>;
  /** A private link that a person can open. */
  link?(entry: Entry, o: CallOptions): Promise<string>;
  thumbnail?(entry: Entry, o: CallOptions): Promise<Bytes>;
  close?(): Promise<void>;
}

export type Change =
  | { kind: 'changed'; entry: Entry }
  | { kind: 'removed'; id: string; path?: Path }
  | { kind: 'cursor'; cursor: string };

export interface Traits {
  caseSensitive: boolean;
  /** Two files of one name in one folder (Google Drive). */
  duplicateNames: boolean;
  /** A reader never sees a half-written file. */
  atomicWrite: boolean;
  keepsModified: boolean;
  rangeReads: boolean;
  /** What `write`, `confirm` or `list` answer, so that a copy can be checked without reading it back. */
  hashes: readonly HashName[];
  /** The most requests in flight that are polite; the engine starts lower and adapts. */
  parallel: number;
  maxFileSize?: number;
  /** What a name may not hold; such names are stored under a visible escape and recorded (`path` against `stored`). */
  forbidden?: NameRules;
}

export interface NameRules {
  /** Characters that no name may hold, as one string. Control characters are named here too if they are forbidden. */
  characters?: string;
  /** Whole names refused in any case, without extension (`CON`, `NUL`). */
  names?: readonly string[];
  /** Characters a name may not end with (`. `). */
  trailing?: string;
  /** Bytes in UTF-8. */
  maxNameBytes?: number;
  maxPathBytes?: number;
}

/** The part of a zod object that the engine relies on; keeps this file free of imports. */
export interface Schema<T> {
  parse(value: unknown): T;
}

/**
 * A driver for one kind of service. A file of `src/providers` exports it as `kind`; everything on screens (help, the
 * connect form, validation, redaction) follows from what is declared here.
 */
export interface ProviderKind<S = unknown> {
  /** Equals the file name. */
  name: string;
  title: string;
  /** Other words people use for it ("google drive", "gd"). */
  aliases?: readonly string[];
  /** zod object; each field with `.meta({label, help, secret?})`. A field marked secret is sealed and never shown. */
  settings: Schema<S>;
  /** What a root looks like, as a working example ("bucket/path"). */
  rootExample: string;
  /** What each side may be; derived screens offer only that. */
  roles: readonly ('source' | 'destination')[];
  traits: Traits;
  /** Where people sign in (OAuth), for services that have it. */
  consent?: unknown;
  /** One canonical text for one place, so that the same folder is recognised; throws `UsageError` for a root that cannot be. */
  root?(root: string, context: Pick<ProviderContext, 'home' | 'cwd'>): string;
  open(settings: S, root: string, context: ProviderContext): Promise<Provider>;
}

export interface HttpRequest {
  method: string;
  url: string;
  headers?: Record<string, string>;
  /** A stream is sent once and never retried here; a whole body may be sent again. */
  body?: string | Uint8Array | Bytes;
  /** Required by most services with a stream. */
  contentLength?: number;
  /** Statuses that are an answer, not a failure; any other status >= 400 is thrown as the error class it means. */
  expect?: readonly number[];
  /** `false` where sending it twice would do it twice. Default: true for whole bodies. */
  repeatable?: boolean;
  /**
   * Reads the answer as text inside the retries, so that `text()` and `json()` cannot fail on the network any more. For
   * listings and other short answers; never for files.
   */
  whole?: boolean;
  signal: AbortSignal;
}

export interface HttpResponse {
  status: number;
  /** Lower-case names; several values joined by `, `. */
  headers: Record<string, string>;
  /** To be read to its end, or cancelled by `dump()`: an unread body holds its connection. */
  body: Bytes;
  text(): Promise<string>;
  json(): Promise<unknown>;
  dump(): Promise<void>;
}

export interface Question {
  /** One sentence ("Apple sent a code to your devices."). */
  text: string;
  /** How long the answer is worth something, in ms. */
  within: number;
}

/** All that a provider may use of the outside world. */
export interface ProviderContext {
  /** HTTP with manners: connections kept, TCP_NODELAY, time limits, Retry-After, retries of what may be repeated, secrets kept out of errors. */
  http(request: HttpRequest): Promise<HttpResponse>;
  /** The operator's `KEEPSAKE_ENDPOINT_<SERVICE>`, or the fallback. */
  endpoint(service: string, fallback: string): string;
  /** What the provider must remember between runs (tokens, host keys, cookies); sealed. */
  session: UploadMemo;
  /** Asks the owner on the surface they use; `AuthRequired` when nobody answers in time. */
  ask(question: Question): Promise<string>;
  log: Log;
  clock: Clock;
  /** Folders of this machine that the owner opened to backups; absolute, canonical. */
  localRoots: readonly string[];
  home: string;
  cwd: string;
}

export interface Clock {
  now(): Date;
  /** Rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
/** `event` is a short stable name; details are redacted by their key and by the known secrets before they are written. */
export type Log = (level: LogLevel, event: string, details?: Record<string, unknown>) => void;

// ---------------------------------------------------------------------------------------------------- people, places

export type Role = 'owner' | 'member' | 'viewer';

export interface Doc {
  id: string;
  /** Optimistic revision; absent on a document that was never stored. */
  rev?: number;
}

export interface Identity {
  /** `terminal`, `slack`, `discord`, `mail`, `web`. */
  surface: string;
  /** Unique on that surface (uid, Slack `team:user`, mail address in lower case). */
  id: string;
  /** A mail address that its server refuses for good: nothing is sent there until it is confirmed anew. */
  refused?: { at: Instant; why: string };
}

export interface Person extends Doc {
  name: string;
  role: Role;
  identities: Identity[];
  /** IANA zone; absent until known. */
  zone?: string;
  /** They were asked for their zone; once is enough. */
  zoneAsked?: true;
  locale?: string;
  created: Instant;
  /** Being merged into that person: everything of theirs is on its way, and a merge that was cut off goes on from here. */
  into?: string;
}

export interface Account extends Doc {
  owner: string;
  /** Unique among the owner's accounts; usable in a location ("work-s3:bucket/path"). */
  name: string;
  kind: string;
  /** Answers to the kind's settings; secret fields inside `sealed`. */
  settings: Record<string, unknown>;
  /** Sealed JSON of the secret fields. */
  sealed?: string;
  /** Sealed provider session (tokens, host keys). */
  session?: string;
  state: 'ready' | 'needs_sign_in';
  created: Instant;
}

export interface Location {
  /** Account id; absent for a folder of this machine (`kind` is then `local`). */
  account?: string;
  kind: string;
  /** Canonical root inside the account. */
  root: string;
  /** As the person wrote it; for showing. */
  text: string;
}

// ------------------------------------------------------------------------------------------------------------- plans

export type Schedule =
  /** Five fields, checked; day-of-month may be `L`, day-of-week `n#k` or `nL`. */
  | { cron: string; zone: string }
  /** Local `at` (HH:MM) every n days counted from the local date `anchor` (YYYY-MM-DD). */
  | { everyDays: number; at: string; anchor: string; zone: string }
  /** Elapsed time from `anchor`. */
  | { everyMinutes: number; anchor: Instant; zone: string }
  /** Once, local date and time `YYYY-MM-DDTHH:MM`. */
  | { at: string; zone: string }
  | { manual: true };

/** All conditions must hold; `undefined` does not limit. */
export interface Filter {
  /** Globs, case-insensitive; a glob without `/` matches the name at any depth. Any one must match. */
  only?: string[];
  /** None may match. */
  except?: string[];
  /** Shorthand sets from the `only photos|videos` words; any one must match, together with `only`. */
  kinds?: ('photos' | 'videos')[];
  /** Bytes. */
  largerThan?: number;
  smallerThan?: number;
  /** Modified at or after / before. */
  since?: Instant;
  before?: Instant;
  albums?: string[];
}

/** What is kept of replaced and vanished files. Absent: everything. A file's newest good copy is never removed. */
export type Retention =
  | { versions: number }
  | { days: number }
  | { daily?: number; weekly?: number; monthly?: number; yearly?: number };

export type ReportWhen = 'always' | 'on_failure' | 'daily' | 'weekly' | 'never';

export interface Plan extends Doc {
  owner: string;
  /** Unique among the owner's plans, without regard to case. */
  name: string;
  source: Location;
  destinations: Location[];
  schedule: Schedule;
  filter: Filter;
  retention?: Retention;
  report: ReportWhen;
  /** Its reports are not mailed: somebody said "stop reports" or unsubscribed. */
  mailed?: false;
  /** Bytes per second. */
  limit?: number;
  /** Template of destination folders, e.g. `{year}/{month}`. */
  layout?: string;
  state: 'active' | 'paused';
  pausedUntil?: Instant;
  /** When the scheduler will start it; absent when never. */
  next?: Instant;
  /** The command line that makes this plan again. */
  line: string;
  created: Instant;
  /** A conversation that the plan is shared with, as `Caller.conversation`: its cards and reports are shown there. */
  conversation?: string;
  /** The surface it was made on; reports go there when the owner is known on several. */
  surface?: string;
  /** The newest run that ended, for lists. */
  last?: { run: string; state: RunState; ended: Instant; files: number; bytes: number; problems: number };
}

export type RunState = 'queued' | 'running' | 'done' | 'partial' | 'failed' | 'stopped' | 'waiting';
export type Trigger = 'schedule' | 'person' | 'resume';

/** Why a file is treated as it is; shown in previews and reports. */
export type Why = 'new' | 'changed' | 'same' | 'vanished' | 'filtered' | 'missing_at_destination' | 'unverifiable';

export interface Counts {
  /** Files seen at the source and within the filter. */
  files: number;
  bytes: number;
  new: number;
  changed: number;
  same: number;
  vanished: number;
  failed: number;
  /** At the source, held by the backup, and left out by the filter now: their copies stay as they are. */
  skipped: number;
  /** Bytes read from the source for new and changed files. */
  copied: number;
}

export interface Problem {
  path?: Path;
  /** Which destination, as the person wrote it; absent when it concerns the source or the whole run. */
  destination?: string;
  code: string;
  message: string;
  advice: string;
  /** What mends it, where one line does. */
  fix?: Choice;
}

export interface Progress {
  phase: 'listing' | 'copying' | 'finishing' | 'restoring' | 'verifying' | 'done';
  files: number;
  totalFiles?: number;
  bytes: number;
  totalBytes?: number;
  /** Bytes per second over the last seconds. */
  rate?: number;
  /** Seconds. */
  eta?: number;
  current?: Path;
  problems: number;
}

export interface Run extends Doc {
  plan: string;
  owner: string;
  state: RunState;
  trigger: Trigger;
  queued: Instant;
  started?: Instant;
  ended?: Instant;
  /** The run this one continues from (the newest finished snapshot's). */
  parent?: string;
  progress?: Progress;
  counts?: Counts;
  /** At most 100; `problemCount` says how many there were. */
  problems: Problem[];
  problemCount: number;
  /** One sentence for people. */
  verdict?: string;
  /** Set to ask a running worker to stop at the next chunk. */
  stopRequested?: boolean;
  /** A person has seen the guard's question and said yes. */
  approved?: boolean;
  /** Ended by a shutdown or a crash: the next worker that starts goes on with the plan. */
  interrupted?: boolean;
  /** Per destination, after the run, where the service tells. */
  space?: { destination: string; free?: number; total?: number }[];
  /** What the new files were. */
  media?: NewMedia;
  /** A question that only a person can answer (guard). */
  question?: { text: string; choices: Choice[] };
}

/** The photos and videos among the new files of a run, by their media type or name. */
export interface NewMedia {
  photos: number;
  videos: number;
  /** The newest photos, newest first; at most 24. */
  newest: Path[];
}

/** What the destination holds of one path now. Written only after the destination confirmed the bytes. */
export interface CatalogLine extends Doc {
  path: Path;
  /** Where it lies below the root when that differs from `path` (forbidden names, layout). */
  stored?: Path;
  size: number;
  sha256: string;
  modified?: Instant;
  /** The source's version of the copied bytes. */
  version?: string;
  /** The source's handle. */
  source?: string;
  /** The destination's handle and version. */
  at?: string;
  atVersion?: string;
  /** The run that brought the bytes. A path and the run that brought it name one version for ever. */
  run: string;
  about?: Record<string, string>;
  /** Set on a kept older version: the run that moved it to `stored` below `.keepsake/versions`, and when. */
  retired?: { run: string; at: Instant };
  /** Retention has decided: no manifest lists it any more, its bytes are about to be removed. */
  doomed?: true;
  /** `verify` found other bytes: the next run brings the file again. */
  damaged?: true;
}

export interface SnapshotRecord extends Doc {
  plan: string;
  /** Index into the plan's destinations. */
  destination: number;
  run: string;
  started: Instant;
  ended: Instant;
  files: number;
  bytes: number;
  /** Path of the manifest below the destination's root. */
  manifest: Path;
  /** sha256 of the manifest's lines, as in its foot. */
  sha256: string;
  verified?: { at: Instant; how: 'quick' | 'sample' | 'full'; files: number; bad: number };
}

/** Held by the one worker that runs a plan; a worker that finds another holder aborts. */
export interface Lease extends Doc {
  holder: string;
  until: Instant;
}

// ---------------------------------------------------------------------------------------------- messages and answers

/** `deliver` picks the surface; `key` makes a message be sent once. */
export interface OutboxMessage extends Doc {
  person: string;
  /** `console`, `mail`, `slack`, `discord`. */
  surface: string;
  /** Said in a conversation that the plan is shared with, instead of to the person alone. */
  conversation?: string;
  /** Idempotency key: the same key is never delivered twice. */
  key: string;
  reply: Reply;
  /** Run or plan it belongs to, for threads. */
  about?: { plan?: string; run?: string };
  /** The mail that it answers. */
  answers?: MailAnswered;
  /** Mail only: instead of the person's own address, which this one is to become. Whoever reads there may be a stranger. */
  address?: string;
  state: 'waiting' | 'sent' | 'dead';
  tries: number;
  /** A shutdown cut the last try off: it does not count, but it may have arrived. */
  cutOff?: true;
  due: Instant;
  created: Instant;
  sent?: Instant;
  error?: string;
}

/** The mail that a message answers; all of it is from outside. */
export interface MailAnswered {
  /** Its Message-ID, with the angle brackets. */
  id: string;
  /** Its References, oldest first, without its own id. */
  references: string[];
  subject: string;
  /** The address it came from, which is one of the person's: the answer goes there. */
  to: string;
}

/** A message that a surface posted; `id` is `<surface>/<reference>`. */
export interface Thread extends Doc {
  surface: string;
  plan?: string;
  run?: string;
  /** Where the message lives (channel and ts, Message-ID). */
  reference: string;
  /** A card whose last state is not shown yet. Whoever starts next goes on with it. */
  state?: 'open';
  /** What an open card follows: `Reply.live`. */
  live?: string;
  /** The line that began it, and whose it was: said again where a restart has cut it off. */
  line?: string;
  person?: string;
  /** A card before everybody in a channel: it goes on only while its plan is shared with them. */
  shared?: true;
  posted: Instant;
}

/** One-time links and codes, confirmations, questions, what can be undone, and controls too long for a button. `id` is the hash of the secret part. */
export interface Pending extends Doc {
  kind: 'claim' | 'link' | 'invite' | 'confirm' | 'connect' | 'question' | 'undo' | 'control' | 'reply' | 'unsubscribe';
  person?: string;
  /** What happens when it is redeemed: a command line, an account id ... */
  payload: Record<string, unknown>;
  expires: Instant;
}

/** Idempotency keys of inbound events. */
export interface Seen extends Doc {
  at: Instant;
  /** The outcome, so that a repeated delivery can be answered alike. */
  outcome?: string;
}

export interface AuditLine extends Doc {
  at: Instant;
  person?: string;
  surface: string;
  /** The command line with secrets removed. */
  line: string;
  command?: string;
  /** The plan it was about, and what is still to be told once that is deleted: its name then, and whose it was. */
  plan?: string;
  planName?: string;
  planOwner?: string;
  outcome: 'done' | 'refused' | 'failed' | 'not_understood';
  detail?: string;
}

export interface Setting extends Doc {
  value: unknown;
}

export interface Caller {
  person: Person;
  surface: string;
  /** The inbound event's key; dispatch answers each once. Absent where the surface cannot deliver twice (terminal). */
  key?: string;
  /** Conversation (channel, mail thread) for context and shared reports, with its surface: `slack:T1/C1`. */
  conversation?: string;
  /** Only the caller reads that conversation. */
  alone?: boolean;
  /** Plan and run that a reply or a button refers to. */
  about?: { plan?: string; run?: string };
  /**
   * What speaks for the caller where nobody is signed in (mail). Absent: the surface knows who it is. What only looks is
   * done with a token or a verified sender, what changes something with both; otherwise it is asked first, by a message
   * that only the person gets.
   */
  proof?: {
    /** Id of the pending reply token that came with it, if one did and it belongs to this person. */
    token?: string;
    /** The sender's domain vouches for the address. */
    verified: boolean;
  };
  /** When the message was made whose button was pressed; what was done since may have made the button stale. */
  pressed?: Instant;
  zone: string;
  /** The person already said yes (`--yes`, a confirmation). */
  confirmed?: boolean;
  signal: AbortSignal;
}

/** Plain text, or an instant that each surface shows in the reader's own zone. */
export type Cell = string | { at: Instant };

/** A button, a mail link and a typed line are one sentence. */
export interface Choice {
  label: string;
  line: string;
  style?: 'primary' | 'danger';
}

/** One answer of a form. What is said is `word` and the answer; an empty answer says nothing. */
export interface FormField {
  name: string;
  label: string;
  help?: string;
  /** What it begins with. */
  value?: string;
  required?: true;
  /** Choose one of these. */
  options?: readonly { label: string; value: string }[];
  /** Where the surface can complete while it is typed. */
  suggest?: Wanted['of'];
  /** Several answers, each the name of a file. */
  many?: true;
  /** Room for several lines. */
  long?: true;
  /** Words before the answer in the line ("only", "keep"); one that ends with `=` is one word with it. */
  word?: string;
  /** The answer is one name, however many words it has: it is quoted in the line. */
  quoted?: true;
  /** What is said when a former value was taken out ("all files"). */
  emptied?: string;
}

/** Questions to fill in; `formLine` makes one line of the answers. Never asks for a secret. */
export interface Form {
  kind: 'form';
  /** On the button that opens it. */
  label: string;
  title: string;
  fields: FormField[];
  /** The line's beginning. */
  line: string;
  /** Only fields that differ from their `value` are said. */
  onlyChanges?: true;
  /** The plan whose files and snapshots are suggested. */
  plan?: string;
}

/** What a surface wants completed while it is typed. */
export interface Wanted {
  of:
    | 'line'
    | 'command'
    | 'plan'
    | 'account'
    | 'kind'
    | 'source'
    | 'destination'
    | 'schedule'
    | 'file'
    | 'snapshot'
    | 'zone';
  typed: string;
  /** Name of the plan, for files and snapshots. */
  plan?: string;
}

export interface Suggestion {
  label: string;
  value: string;
}

export interface TrendPoint {
  at: Instant;
  /** New and changed files. */
  files: number;
  bytes: number;
  state: RunState;
}

export type Block =
  | { kind: 'text'; text: string }
  | { kind: 'fields'; fields: { label: string; value: Cell }[] }
  | {
      kind: 'table';
      columns: string[];
      rows: Cell[][];
      /** How many rows are not shown, and the line that shows them. */
      more?: { rows: number; line?: string };
    }
  | { kind: 'progress'; progress: Progress }
  /** `menu`: one menu with this label instead of buttons, for more than a handful. */
  | { kind: 'choices'; choices: Choice[]; menu?: string }
  | Form
  /** A line to copy, share and say again. `title`: what it is, where nothing else on a screen says so. */
  | { kind: 'line'; line: string; title?: string }
  | { kind: 'link'; label: string; url: string }
  /** The last runs, oldest first: a small picture of how much each brought and how it went. */
  | { kind: 'trend'; label: string; points: TrendPoint[] }
  | { kind: 'image'; alt: string; bytes: Uint8Array; mime: string }
  | { kind: 'file'; name: string; mime: string; bytes: Uint8Array };

export interface Reply {
  tone: 'plain' | 'good' | 'bad' | 'busy';
  title: string;
  /**
   * What a conversation of mails about it is called ("photos: backed up"); the same each time, or mail programs would
   * not put the reports of one backup together. Absent: the title.
   */
  topic?: string;
  blocks: Block[];
  onlyForCaller?: true;
  /** May be said before everybody in the conversation: it is about a plan that is shared with it. */
  shared?: true;
  /** What it is about; a message that shows it can be answered ("Restore this", a reply in its thread). */
  about?: { plan?: string; run?: string };
  /** Later replies with the same `live` key replace earlier ones on screens that can. */
  live?: string;
  /** Machine-readable result for `--json`. */
  data?: unknown;
  /** How it went, for exit codes and icons. Absent: done. */
  outcome?: 'done' | 'failed' | 'partial' | 'not_understood' | 'sign_in' | 'refused';
}
