/** What a case of the provider contract works with: one opened location, and the questions every case asks. */
import { expect } from 'vitest';
import { isKeepsakeError, type KeepsakeError } from '../../../src/engine/errors.ts';
import { joinPath, parentOf } from '../../../src/engine/path.ts';
import type { CallOptions, Entry, NewFile, Path, Provider, ProviderKind, Traits } from '../../../src/engine/types.ts';
import type { TestContext } from '../context.ts';
import { body, collect, sha256 } from './bodies.ts';

/** What differs from the best case and is known; each is a statement that the suite holds the provider to. */
export interface Limits {
  /** Of the hostile names, those the service refuses although its traits do not say so. Storing one then fails the suite. */
  cannotStore?: readonly string[];
  /** Files in the large listing; 1,000 unless told. */
  files?: number;
  /** The service cannot tell that the version asked for is no longer there. */
  cannotTellStale?: true;
  /** A same-size replacement within a second or two may keep its version (HTTP servers with ETag = time + size, SFTP). */
  coarseVersions?: true;
  /** Listings leave out names that start with a dot (nginx); they are stored and can be read, so they are read by path. */
  hidesDotNames?: true;
  /** NFC and NFD spellings are one name there. */
  normalises?: true;
  /** Bytes that a large upload must have to be resumable; 24 MiB unless told. */
  resumeSize?: number;
  /** Largest body in the size cases; 20 MB unless told. */
  largest?: number;
}

export interface Subject {
  kind: ProviderKind;
  /** Unparsed answers; the suite parses them by the kind's schema. */
  settings: unknown;
  /** An empty place; the suite fills it and never looks beside it. */
  root: string;
  context: TestContext;
  /** Right server, wrong credentials. */
  wrongSettings?: unknown;
  /** Nobody listens there. */
  unreachableSettings?: unknown;
  /** A root that does not exist. */
  missingRoot?: string;
  /** Texts that must appear in no error and no log line (passwords, keys, tokens of both settings). */
  secrets?: readonly string[];
  limits?: Limits;
  /** Puts a file there behind the provider's back; lets the reading cases run for a provider without `write`. */
  plant?(path: Path, content: Uint8Array): Promise<void>;
  /** Bytes of file content that reached the service so far; lets the suite check that a resumed upload is not sent twice. */
  received?(): number | Promise<number>;
  /** Open handles at the service or in this process; they must be back to what they were after an abort. */
  handles?(): number | Promise<number>;
  cleanup(): Promise<void>;
}

export const NEEDS = [
  'put',
  'write',
  'remove',
  'move',
  'copyFrom',
  'confirm',
  'rangeReads',
  'keepsModified',
  'caseSensitive',
  'normalisationKept',
  'staleReads',
  'wrongSettings',
  'unreachableSettings',
  'missingRoot',
  'received',
  'handles',
] as const;
export type Need = (typeof NEEDS)[number];

export interface Case {
  name: string;
  needs?: readonly Need[];
  run(trial: Trial): Promise<void>;
}

export interface Trial {
  subject: Subject;
  provider: Provider;
  traits: Traits;
  limits: Limits;
  /** Never aborted. */
  o: CallOptions;
  /** A path in this case's own folder. */
  at(...names: string[]): Path;
  /** Opens the same place, or another one, once more; closed when the case ends. */
  open(other?: { settings?: unknown; root?: string; context?: TestContext }): Promise<Provider>;
  /** Writes a whole body (or plants it, for a provider without `write`). */
  put(path: Path, content: Uint8Array): Promise<void>;
  write(file: NewFile, o?: CallOptions): Promise<Entry>;
  list(under?: Path): Promise<Entry[]>;
  /** The only entry of that path, as listed; fails when it is not there or there twice. */
  entry(path: Path): Promise<Entry>;
  /** What is there now under that path; undefined when nothing is listed. */
  bytes(path: Path): Promise<Buffer | undefined>;
  close(): Promise<void>;
}

let trials = 0;

/** Opens the subject for one case. The folder's name is new for each trial, so that cases cannot help each other. */
export async function startTrial(subject: Subject): Promise<Trial> {
  const opened: Provider[] = [];
  const open: Trial['open'] = async (other = {}) => {
    const settings = subject.kind.settings.parse(other.settings ?? subject.settings);
    const provider = await subject.kind.open(settings, other.root ?? subject.root, other.context ?? subject.context);
    opened.push(provider);
    return provider;
  };
  const folder = `case ${++trials}`;
  const o = { signal: new AbortController().signal };
  const provider = await open();
  const trial: Trial = {
    subject,
    provider,
    traits: { ...subject.kind.traits, ...provider.traits },
    limits: subject.limits ?? {},
    o,
    at: (...names) => joinPath(folder, ...names),
    open,
    put: async (path, content) => {
      if (!provider.write && subject.plant) await subject.plant(path, content);
      else await trial.write({ path, content, size: content.length, hashes: { sha256: sha256(content) } });
    },
    write: async (file, options = o) => {
      if (!provider.write) throw new Error('This case writes but does not say so in its needs.');
      return provider.write(file, options);
    },
    list: async (under) => {
      const entries: Entry[] = [];
      for await (const entry of provider.list(under === undefined ? o : { ...o, under })) entries.push(entry);
      return entries;
    },
    entry: async (path) => {
      const found = (await trial.list(parentOf(path))).filter((entry) => entry.path === path);
      expect(found, `listed once: ${JSON.stringify(path)}`).toHaveLength(1);
      return found[0] as Entry;
    },
    bytes: async (path) => {
      const found = (await trial.list(parentOf(path))).filter((entry) => entry.path === path);
      expect(found.length, `listed at most once: ${JSON.stringify(path)}`).toBeLessThanOrEqual(1);
      return found[0] && collect(await provider.read(found[0], o));
    },
    close: async () => {
      for (const each of opened) await each.close?.();
    },
  };
  return trial;
}

/** Why a case cannot run for this subject, in words for the report; undefined when it can. */
export function lacking(trial: Trial, needs: readonly Need[] = []): string | undefined {
  const { provider, traits, subject, limits } = trial;
  const has: Record<Need, boolean> = {
    put: Boolean(provider.write ?? subject.plant),
    write: Boolean(provider.write),
    remove: Boolean(provider.remove),
    move: Boolean(provider.move),
    copyFrom: Boolean(provider.copyFrom),
    confirm: Boolean(provider.confirm),
    rangeReads: traits.rangeReads,
    keepsModified: traits.keepsModified,
    caseSensitive: traits.caseSensitive,
    normalisationKept: !limits.normalises,
    staleReads: !limits.cannotTellStale,
    wrongSettings: subject.wrongSettings !== undefined,
    unreachableSettings: subject.unreachableSettings !== undefined,
    missingRoot: subject.missingRoot !== undefined,
    received: subject.received !== undefined,
    handles: subject.handles !== undefined,
  };
  const missing = needs.filter((need) => !has[need]);
  return missing.length === 0 ? undefined : `${subject.kind.name} has no ${missing.join(', ')}`;
}

/** The error of a call that must fail; fails the case when it does not. */
export async function failure(call: Promise<unknown>, what: string): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  expect.fail(`${what}: it was answered as if all were well`);
}

/** The error of a call that must fail with this class. */
export async function failureOf<E extends KeepsakeError>(
  kind: abstract new (...details: never[]) => E,
  call: Promise<unknown>,
  what: string,
): Promise<E> {
  const error = await failure(call, what);
  if (!(error instanceof kind)) {
    throw new Error(`${what}: expected ${kind.name}, but it was ${String(error)}`, { cause: error });
  }
  expect(error.advice, `${what}: advice for the person`).not.toBe('');
  return error;
}

/** True when `wanted` is the error itself or lies in its causes. */
export function comesFrom(error: unknown, wanted: unknown): boolean {
  for (let at: unknown = error, depth = 0; at !== undefined && depth < 10; depth++) {
    if (at === wanted) return true;
    at = at instanceof Error ? at.cause : undefined;
  }
  return false;
}

export const isForeseen = (error: unknown): boolean => isKeepsakeError(error);

/** A small body that differs by its seed. */
export const small = (seed: number, size = 1_234): Buffer => body(size, seed);
