import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AuthRequired, IntegrityError, UsageError } from '../src/engine/errors.ts';
import { accountPurpose, KEY_FILE, openSealer, reseal } from '../src/engine/secrets.ts';
import { openSqlite } from '../src/engine/store/sqlite.ts';
import type { Account } from '../src/engine/types.ts';
import { testClock } from './commands/world.ts';

const newKey = (): string => randomBytes(32).toString('base64');

let folder: string;
let events: string[];
const log = (level: string, event: string): void => void events.push(`${level} ${event}`);
const open = (...keys: string[]) => openSealer({ dataFolder: folder, keys, log });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keepsake-secrets-'));
  events = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('sealing', () => {
  it('gives back what was sealed and never the same text twice', async () => {
    const sealer = await open(newKey());
    const one = sealer.seal('påsswörd 🔑', 'account/a1/sealed');
    const two = sealer.seal('påsswörd 🔑', 'account/a1/sealed');
    expect(one).toMatch(/^v1\.[\w-]{8}\.[\w-]{16}\.[\w-]+$/);
    expect(one).not.toBe(two);
    expect(one).not.toContain('ssw');
    expect(sealer.unseal(one, 'account/a1/sealed')).toBe('påsswörd 🔑');
    expect(sealer.unseal(sealer.seal('', 'p'), 'p')).toBe('');
  });

  it('a sealed value moved to another account cannot be opened', async () => {
    const sealer = await open(newKey());
    const sealed = sealer.seal('secret', accountPurpose('a1', 'sealed'));
    expect(() => sealer.unseal(sealed, accountPurpose('a2', 'sealed'))).toThrow(IntegrityError);
    expect(() => sealer.unseal(sealed, accountPurpose('a1', 'session'))).toThrow(IntegrityError);
  });

  it('every altered character is noticed', async () => {
    const sealer = await open(newKey());
    const sealed = sealer.seal('secret', 'p');
    for (let i = sealed.lastIndexOf('.') + 1; i < sealed.length - 1; i++) {
      const other = sealed[i] === 'A' ? 'B' : 'A';
      const altered = sealed.slice(0, i) + other + sealed.slice(i + 1);
      expect(() => sealer.unseal(altered, 'p'), `character ${i}`).toThrow(IntegrityError);
    }
    for (const broken of ['', 'v1', 'v1.a.b', 'v1.a.b.c', `v2${sealed.slice(2)}`]) {
      expect(() => sealer.unseal(broken, 'p'), broken).toThrow(IntegrityError);
    }
  });

  it('another key: says which key is needed and what to do', async () => {
    const sealed = (await open(newKey())).seal('secret', 'p');
    const id = sealed.split('.')[1];
    const other = await open(newKey());
    expect(() => other.unseal(sealed, 'p')).toThrow(AuthRequired);
    try {
      other.unseal(sealed, 'p');
    } catch (error) {
      expect((error as AuthRequired).code).toBe('wrong_key');
      expect((error as AuthRequired).advice).toContain('KEEPSAKE_KEY');
      expect((error as AuthRequired).advice).toContain(String(id));
      expect((error as AuthRequired).advice).toContain(join(folder, KEY_FILE));
    }
  });
});

describe('the key file', () => {
  it('is made once, for its owner only, and kept', async () => {
    const sealed = (await open()).seal('secret', 'p');
    expect((await stat(join(folder, KEY_FILE))).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual([KEY_FILE]);
    const before = await readFile(join(folder, KEY_FILE), 'utf8');
    expect((await open()).unseal(sealed, 'p')).toBe('secret');
    expect(await readFile(join(folder, KEY_FILE), 'utf8')).toBe(before);
  });

  it('several first starts at once agree on one key', async () => {
    const sealers = await Promise.all(Array.from({ length: 8 }, () => open()));
    const sealed = sealers.map((sealer) => sealer.seal('secret', 'p'));
    for (const sealer of sealers) for (const text of sealed) expect(sealer.unseal(text, 'p')).toBe('secret');
    expect(await readdir(folder)).toEqual([KEY_FILE]);
  });

  it('a file that others can read is tightened, and that is logged', async () => {
    await open();
    await chmod(join(folder, KEY_FILE), 0o644);
    await open();
    expect((await stat(join(folder, KEY_FILE))).mode & 0o777).toBe(0o600);
    expect(events).toContain('warn secrets.tightened');
  });

  it.each(['', 'short', 'x'.repeat(44), `${randomBytes(16).toString('base64')}`, 'not base64 at all ☹'])(
    'a malformed file (%j) is refused and left as it is',
    async (text) => {
      await writeFile(join(folder, KEY_FILE), text, { mode: 0o600 });
      await expect(open()).rejects.toThrow(UsageError);
      expect(await readFile(join(folder, KEY_FILE), 'utf8')).toBe(text);
    },
  );

  it('a malformed KEEPSAKE_KEY is refused without being shown', async () => {
    const error = await open('hunter2-hunter2').catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(UsageError);
    expect(`${(error as UsageError).message} ${(error as UsageError).advice}`).not.toContain('hunter2');
  });

  it('still opens after the key moved into KEEPSAKE_KEY or was replaced there', async () => {
    const sealed = (await open()).seal('secret', 'p');
    const moved = await open(newKey());
    expect(moved.unseal(sealed, 'p')).toBe('secret');
    expect(moved.isCurrent(sealed)).toBe(false);
  });
});

describe('rotation', () => {
  const account = (id: string, extra: Partial<Account>): Account => ({
    id,
    owner: 'u1',
    name: id,
    kind: 'vault',
    settings: {},
    state: 'ready',
    created: '2026-11-22T00:00:00.000Z',
    ...extra,
  });

  it('brings every account under the newest key, does nothing the second time, and leaves what it cannot open', async () => {
    const [older, newer] = [newKey(), newKey()];
    const before = await open(older);
    const lost = await open(newKey());
    const store = await openSqlite(join(folder, 'keepsake.db'), { clock: testClock(), log });
    try {
      await store.put(
        'accounts',
        account('a1', {
          sealed: before.seal('one', accountPurpose('a1', 'sealed')),
          session: before.seal('ticket', accountPurpose('a1', 'session')),
        }),
      );
      await store.put('accounts', account('a2', {}));
      const unopenable = lost.seal('gone', accountPurpose('a3', 'sealed'));
      await store.put('accounts', account('a3', { sealed: unopenable }));
      const sealer = await open(newer, older);
      expect(await reseal(store, sealer, log)).toEqual({ resealed: 1, left: 1 });
      expect(events).toContain('warn secrets.left');
      const after = await store.get('accounts', 'a1');
      const onlyNew = await open(newer);
      expect(onlyNew.unseal(after?.sealed ?? '', accountPurpose('a1', 'sealed'))).toBe('one');
      expect(onlyNew.unseal(after?.session ?? '', accountPurpose('a1', 'session'))).toBe('ticket');
      expect((await store.get('accounts', 'a3'))?.sealed).toBe(unopenable);
      expect(await reseal(store, sealer, log)).toEqual({ resealed: 0, left: 1 });
      expect((await store.get('accounts', 'a1'))?.rev).toBe(after?.rev);
    } finally {
      await store.close();
    }
  });
});
