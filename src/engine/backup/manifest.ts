/**
 * The manifest: what a run recorded at a destination, as zstd-compressed JSON Lines. A head, one line per file, a foot
 * with counts and the sha256 of all lines before it. Readable with `zstd -dc` and any JSON tool; `docs/format.md`
 * describes it. A manifest without a foot, or with a foot that does not agree, is not believed.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, rmSync, statSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { z } from 'zod';
import { IntegrityError } from '../errors.ts';
import { checkPath, isOwnPath, joinPath, OWN_FOLDER } from '../path.ts';
import { scratchFile } from '../store/scratch.ts';
import type { Bytes, CatalogLine, Filter, Instant, Path, Retention, Schedule } from '../types.ts';

export const FORMAT = 1;
export const SNAPSHOTS: Path = joinPath(OWN_FOLDER, 'snapshots');
export const VERSIONS: Path = joinPath(OWN_FOLDER, 'versions');

export const manifestPath = (run: string): Path => joinPath(SNAPSHOTS, `${run}.jsonl.zst`);
export const versionPath = (run: string, stored: Path): Path => joinPath(VERSIONS, run, stored);

export interface PlaceText {
  kind: string;
  /** The account's name; absent for a folder of the machine. */
  account?: string;
  root: string;
  text: string;
}

export interface ManifestHead {
  keepsake: typeof FORMAT;
  run: string;
  parent?: string;
  started: Instant;
  plan: {
    id: string;
    name: string;
    line: string;
    source: PlaceText;
    destinations: PlaceText[];
    schedule: Schedule;
    filter: Filter;
    retention?: Retention;
    report: string;
    limit?: number;
    layout?: string;
  };
  /** Which of the plan's destinations this is. */
  destination: number;
}

export interface ManifestFoot {
  end: true;
  /** Files of the current tree. */
  files: number;
  bytes: number;
  /** Kept older versions. */
  versions: number;
  /** sha256 of everything before the foot, head included, as text with its line ends. */
  sha256: string;
  ended: Instant;
}

export type ManifestLine = Omit<CatalogLine, 'id' | 'rev' | 'doomed' | 'damaged'>;

const place = z.object({ kind: z.string(), account: z.string().optional(), root: z.string(), text: z.string() });
const head = z.object({
  keepsake: z.number(),
  run: z.string().regex(/^[\w-]{1,64}$/),
  parent: z.string().optional(),
  started: z.string(),
  plan: z.object({
    id: z.string().regex(/^[\w-]{1,64}$/),
    name: z.string(),
    line: z.string(),
    source: place,
    destinations: z.array(place),
    schedule: z.record(z.string(), z.unknown()),
    filter: z.record(z.string(), z.unknown()),
    retention: z.record(z.string(), z.unknown()).optional(),
    report: z.string(),
    limit: z.number().optional(),
    layout: z.string().optional(),
  }),
  destination: z.number().int().min(0),
});

/** Longest line believed: a path of 4 KiB and a generous `about`; more is an attack on memory or damage. */
const LONGEST_LINE = 1024 * 1024;

export interface WrittenManifest {
  file: string;
  size: number;
  foot: ManifestFoot;
  remove(): void;
}

/**
 * Writes a manifest into a temporary file of `folder`, so that it can be sent with its length and memory stays flat.
 * zstd level 1: hashes do not compress, a higher level only costs time.
 */
export async function writeManifest(
  folder: string,
  top: ManifestHead,
  lines: AsyncIterable<CatalogLine>,
  ended: () => Instant,
  signal: AbortSignal,
): Promise<WrittenManifest> {
  const file = scratchFile(folder, 'manifest', '.jsonl.zst');
  const digest = createHash('sha256');
  let foot: ManifestFoot | undefined;

  async function* text(): AsyncGenerator<string> {
    let files = 0;
    let bytes = 0;
    let versions = 0;
    let batch = `${JSON.stringify(top)}\n`;
    for await (const line of lines) {
      if (line.doomed) continue;
      const { id: _id, rev: _rev, damaged: _damaged, doomed: _doomed, ...rest } = line;
      batch += `${JSON.stringify(rest)}\n`;
      if (line.retired) versions++;
      else {
        files++;
        bytes += line.size;
      }
      if (batch.length > 65_536) {
        digest.update(batch);
        yield batch;
        batch = '';
      }
    }
    digest.update(batch);
    foot = { end: true, files, bytes, versions, sha256: digest.digest('hex'), ended: ended() };
    yield `${batch}${JSON.stringify(foot)}\n`;
  }

  // The foot's sha256 cannot cover the foot; the frame's own checksum does.
  const compress = createZstdCompress({
    params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 },
  });
  await pipeline(Readable.from(text(), { objectMode: true }), compress, createWriteStream(file, { mode: 0o600 }), {
    signal,
  });
  return {
    file,
    size: statSync(file).size,
    foot: foot as unknown as ManifestFoot,
    remove: () => rmSync(file, { force: true }),
  };
}

export const readFileBytes = (file: string): Bytes => createReadStream(file, { highWaterMark: 1024 * 1024 });

const damaged = (name: string, what: string, cause?: unknown): IntegrityError =>
  new IntegrityError(`The snapshot ${name} ${what}.`, {
    code: 'manifest_damaged',
    advice: 'Use an older snapshot (`snapshots` lists them); the files themselves are not touched by this.',
    ...(cause !== undefined && { cause }),
  });

/**
 * Streams a manifest: the head first, then every line, at last the foot. Throws `IntegrityError` when it is cut short,
 * altered, of a newer format, or names a path outside the root; so a reader acts on the lines only after the foot came,
 * or is ready to take back what it did.
 */
export async function* readManifest(
  name: string,
  bytes: Bytes,
): AsyncGenerator<{ head: ManifestHead } | { line: ManifestLine } | { foot: ManifestFoot }> {
  const digest = createHash('sha256');
  let first = true;
  let ended = false;
  let files = 0;
  try {
    for await (const line of textLines(bytes)) {
      if (ended) throw damaged(name, 'goes on after its end');
      const value: unknown = JSON.parse(line);
      if (first) {
        first = false;
        yield { head: parseHead(name, value) };
      } else if ((value as { end?: unknown } | null)?.end === true) {
        const foot = value as ManifestFoot;
        if (foot.sha256 !== digest.digest('hex') || foot.files !== files)
          throw damaged(name, 'was altered: its checksum does not agree');
        ended = true;
        yield { foot };
        continue;
      } else {
        const read = parseLine(name, value);
        if (!read.retired) files++;
        yield { line: read };
      }
      digest.update(`${line}\n`);
    }
  } catch (error) {
    if (error instanceof SyntaxError) throw damaged(name, 'is not readable: a line is not JSON', error);
    if (isZstdError(error)) throw damaged(name, 'is cut short or altered', error);
    throw error;
  }
  if (!ended) throw damaged(name, 'has no end: the run that wrote it did not finish');
}

function isZstdError(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' && (code.startsWith('ZSTD_') || code === 'ERR_ZSTD' || code.startsWith('Z_'));
}

function parseHead(name: string, value: unknown): ManifestHead {
  const parsed = head.safeParse(value);
  if (!parsed.success) throw damaged(name, 'does not begin like a snapshot of Keepsake');
  if (parsed.data.keepsake > FORMAT) {
    throw new IntegrityError(`The snapshot ${name} was written by a newer Keepsake (format ${parsed.data.keepsake}).`, {
      code: 'manifest_newer',
      advice: 'Update Keepsake, then try again.',
    });
  }
  return parsed.data as unknown as ManifestHead;
}

const RUN = /^[\w-]{1,64}$/;

/** Retention deletes what a kept version names, and a restore writes to what a line names: neither may be anything else. */
function isInPlace({ path, stored, retired, at }: ManifestLine): boolean {
  if (isOwnPath(path)) return false;
  if (!retired) return stored === undefined || !isOwnPath(stored);
  return (
    RUN.test(retired.run) && typeof retired.at === 'string' && (stored?.startsWith(`${VERSIONS}/`) ?? false) && !at
  );
}

/** A manifest comes from outside: a path in it must not lead out of the root, whoever wrote it. */
function parseLine(name: string, value: unknown): ManifestLine {
  const line = value as Partial<ManifestLine> | null;
  if (
    typeof line?.path !== 'string' ||
    !Number.isSafeInteger(line.size) ||
    (line.size as number) < 0 ||
    typeof line.sha256 !== 'string' ||
    typeof line.run !== 'string' ||
    !RUN.test(line.run)
  ) {
    throw damaged(name, 'holds a line that is not a file');
  }
  try {
    checkPath(line.path);
    if (line.stored !== undefined) checkPath(line.stored);
  } catch (error) {
    throw damaged(name, `names a path outside the backup ("${line.path}")`, error);
  }
  if (!isInPlace(line as ManifestLine))
    throw damaged(name, `names a file where none of its kind lies ("${line.path}")`);
  return line as ManifestLine;
}

async function* textLines(bytes: Bytes): AsyncGenerator<string> {
  // Chunks may be reused by their producer once the next is pulled; the decompressor keeps them, so they are copied.
  async function* copies() {
    for await (const chunk of bytes) yield Buffer.from(chunk);
  }
  const source = createZstdDecompress();
  // Errors of the pipe surface in the loop below, which reads its end.
  const piping = pipeline(Readable.from(copies(), { objectMode: true }), source).catch(() => undefined);
  const decoder = new TextDecoder('utf-8');
  let rest = '';
  for await (const chunk of source) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LONGEST_LINE) throw new SyntaxError('line too long');
    yield* lines;
  }
  await piping;
  if (rest !== '') throw new SyntaxError('the last line has no end');
}

/** Told to a stranger who finds the folder. */
export const README = `This folder is a backup made by Keepsake.

Everything outside the folder ".keepsake" is an ordinary file: open it, copy it, no program is needed.

.keepsake/versions/<run>/...            files that were replaced or that vanished at the source, as they were before
                                        that run; the first part of a run's name is its date and time in UTC
.keepsake/snapshots/<run>.jsonl.zst     what the backup held after that run: one JSON line per file with its path,
                                        size, sha256 and time. Read it with:  zstd -dc <file> | less

A line's "stored" says where a file lies if that is not its "path": names that this place cannot hold are written
with a visible escape, a sign ‛ followed by two hexadecimal digits for each byte. "retired" marks an older version.

To check a file:  sha256sum <file>   and compare with its line.
To let Keepsake take the backup over again:  keepsake adopt <this folder>
`;
