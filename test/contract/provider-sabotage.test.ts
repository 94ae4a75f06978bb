/** The contract suite under test: a right provider passes every case, and each deliberate fault is found by the case for it. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { AuthRequired, FileRejected } from '../../src/engine/errors.ts';
import type { Bytes, Entry, Provider } from '../../src/engine/types.ts';
import { testContext } from './context.ts';
import { emptyPlace, type MemoryPlace, memoryKind, memoryProvider } from './memory.ts';
import { collect } from './provider/bodies.ts';
import { providerCases, providerContract, runCase, type Subject } from './provider.ts';

type Break = (right: Provider, place: MemoryPlace) => Partial<Provider>;

function subjectOf(breaking: Break = () => ({})): Subject {
  const place = emptyPlace();
  const context = testContext();
  const provider = (): Provider => {
    const right = memoryProvider(place);
    return { ...right, ...breaking(right, place) };
  };
  const kind = memoryKind(provider);
  const open = kind.open.bind(kind);
  kind.open = async (settings, root, given) => {
    if (settings === 'wrong') throw new AuthRequired('The password is not right.');
    return open(settings, root, given);
  };
  return {
    kind,
    settings: 'right',
    root: 'memory',
    context,
    wrongSettings: 'wrong',
    secrets: ['hunter2'],
    cleanup: async () => {},
  };
}

providerContract('memory', async () => subjectOf());

const whole = async (content: Uint8Array | Bytes): Promise<Buffer> =>
  content instanceof Uint8Array ? Buffer.from(content) : collect(content);

async function* all(entries: AsyncIterable<Entry>, change: (entry: Entry) => Entry[]): AsyncIterable<Entry> {
  for await (const entry of entries) yield* change(entry);
}

/** Replaces each whole body before the right provider stores it. */
const changingBodies =
  (change: (content: Buffer) => Buffer): Break =>
  (right) => ({
    write: async (file, o) => {
      const content = change(await whole(file.content));
      const { size: _, ...rest } = file;
      return (right.write as NonNullable<Provider['write']>)({ ...rest, content }, o);
    },
  });

const renaming =
  (change: (path: string) => string): Break =>
  (right) => ({
    write: async (file, o) => {
      const written = await (right.write as NonNullable<Provider['write']>)({ ...file, path: change(file.path) }, o);
      return { ...written, path: file.path, id: file.path };
    },
  });

const SABOTAGE: readonly { fault: string; found: string; breaking: Break }[] = [
  {
    fault: 'loses the last byte',
    found: 'reads back 100000 bytes',
    breaking: changingBodies((c) => c.subarray(0, -1)),
  },
  { fault: 'believes every length', found: 'than promised', breaking: changingBodies((c) => c) },
  {
    fault: 'lists everything twice',
    found: 'lists exactly what was written',
    breaking: (right) => ({ list: (o) => all(right.list(o), (entry) => [entry, entry]) }),
  },
  {
    fault: 'hides dot files',
    found: 'hostile names',
    breaking: (right) => ({ list: (o) => all(right.list(o), (e) => (e.path.includes('/.') ? [] : [e])) }),
  },
  {
    fault: 'lists namesakes of a folder',
    found: 'lists below one folder only',
    breaking: (right) => ({
      list: ({ signal, under = '' }) =>
        all(right.list({ signal }), (entry) => (entry.path.startsWith(under) ? [entry] : [])),
    }),
  },
  {
    fault: 'ignores the offset',
    found: 'reads from any offset',
    breaking: (right) => ({ read: (entry, { signal }) => right.read(entry, { signal }) }),
  },
  {
    fault: 'serves any version',
    found: 'no longer there is a Conflict',
    breaking: (right) => ({ read: ({ path, id }, o) => right.read({ path, id }, o) }),
  },
  {
    fault: 'takes the size for the version',
    found: 'a replaced file is one file',
    breaking: (right) => ({
      list: (o) => all(right.list(o), (entry) => [{ ...entry, version: String(entry.size) }]),
      read: ({ path, id }, o) => right.read({ path, id }, o),
    }),
  },
  {
    fault: 'leaves half a file behind',
    found: 'a source that fails in the middle',
    breaking: (right, place) => ({
      write: async (file, o) => {
        if (file.content instanceof Uint8Array) return (right.write as NonNullable<Provider['write']>)(file, o);
        const chunks: Buffer[] = [];
        try {
          for await (const chunk of file.content) chunks.push(Buffer.from(chunk));
        } finally {
          place.files.set(file.path, {
            bytes: Buffer.concat(chunks),
            modified: file.modified ?? new Date().toISOString(),
            revision: ++place.revision,
          });
        }
        return (right.write as NonNullable<Provider['write']>)({ ...file, content: Buffer.concat(chunks) }, o);
      },
    }),
  },
  {
    fault: 'swallows an abort while reading',
    found: 'a read stops',
    breaking: (right) => ({ read: (entry, o) => right.read(entry, { ...o, signal: new AbortController().signal }) }),
  },
  {
    fault: 'swallows an abort while writing',
    found: 'aborted in the middle',
    breaking: (right) => ({
      write: async (file, o) => {
        o.signal.throwIfAborted();
        const blind = { signal: new AbortController().signal };
        return (right.write as NonNullable<Provider['write']>)(file, blind);
      },
    }),
  },
  { fault: 'composes names', found: 'look the same', breaking: renaming((path) => path.normalize('NFC')) },
  { fault: 'lower-cases names', found: 'differ in case only', breaking: renaming((path) => path.toLowerCase()) },
  {
    fault: 'refuses what it could store',
    found: 'hostile names',
    breaking: (right) => ({
      write: async (file, o) => {
        if (/[\n%]/.test(file.path)) throw new FileRejected('What a name.');
        return (right.write as NonNullable<Provider['write']>)(file, o);
      },
    }),
  },
  {
    fault: 'keeps chunks that are no longer its own',
    found: 'as a stream',
    breaking: (right) => ({
      write: async (file, o) => {
        const chunks: Uint8Array[] = [];
        if (file.content instanceof Uint8Array) chunks.push(file.content);
        else for await (const chunk of file.content) chunks.push(chunk);
        return (right.write as NonNullable<Provider['write']>)({ ...file, content: Buffer.concat(chunks) }, o);
      },
    }),
  },
  {
    fault: 'drops the time',
    found: 'with its time',
    breaking: (right) => ({
      write: (file, o) => {
        const { modified: _, ...rest } = file;
        return (right.write as NonNullable<Provider['write']>)(rest, o);
      },
    }),
  },
  {
    fault: 'moves by copying',
    found: 'moves a file',
    breaking: (right) => ({
      move: async (entry, to, o) =>
        (right.copyFrom as NonNullable<Provider['copyFrom']>)({ ...entry, path: entry.path }, right, to, o),
    }),
  },
  {
    fault: 'answers a hash that it did not compute',
    found: 'writes 100000 bytes',
    breaking: (right) => ({
      write: async (file, o) => ({
        ...(await (right.write as NonNullable<Provider['write']>)(file, o)),
        hashes: { sha256: createHash('sha256').update('hope').digest('hex') },
      }),
    }),
  },
  {
    fault: 'prints the password',
    found: 'check answers',
    breaking: () => ({ check: async () => ({ account: 'ana:hunter2' }) }),
  },
];

describe('each fault is found by the case for it', () => {
  for (const { fault, found, breaking } of SABOTAGE) {
    it(`${fault}: ${found}`, async () => {
      const meant = providerCases.filter((one) => one.name.includes(found));
      expect(meant, 'the case exists').not.toEqual([]);
      const failed: string[] = [];
      for (const one of meant) {
        try {
          await runCase(one, subjectOf(breaking));
        } catch {
          failed.push(one.name);
        }
      }
      expect(failed.length, `the provider that ${fault} passed`).toBeGreaterThan(0);
    });
  }

  it('a case that a provider cannot run is skipped with the reason', async () => {
    const move = providerCases.find((one) => one.needs?.includes('move'));
    const { provider, subject } = { provider: memoryProvider(emptyPlace()), subject: subjectOf() };
    const { move: _, ...without } = provider;
    subject.kind.open = async () => without;
    expect(move && (await runCase(move, subject))).toBe('memory has no move');
  });
});
