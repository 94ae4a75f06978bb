/**
 * Seals credentials at rest: AES-256-GCM with a key from `KEEPSAKE_KEY` or from a key file that only its owner may read.
 *
 * Sealed text: `v1.<key id>.<nonce>.<ciphertext and tag>`, parts in base64url. The purpose and the head are authenticated, so
 * that a sealed value cannot be moved to another field or account. The key id says which key is needed without telling
 * anything about it, so that rotation and a wrong key are recognised before anything is tried.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { chmod, link, mkdir, open, readFile, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { AuthRequired, Conflict, IntegrityError, UsageError } from './errors.ts';
import type { Sealer } from './services.ts';
import type { Store } from './store/store.ts';
import type { Account, Log } from './types.ts';

export const KEY_FILE = 'key';

const KEY_BYTES = 32;
/** The size for which GCM is defined without extra hashing (NIST SP 800-38D, 5.2.1.1); random, so 2^32 values per key. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

interface Key {
  id: string;
  bytes: Buffer;
}

/** A sealer that can tell whether a value is already under the newest key. */
export interface RotatingSealer extends Sealer {
  /** False for a value under an older key, or a key that is not here. */
  isCurrent(sealed: string): boolean;
}

/** What a sealed field of an account is for; part of what is authenticated. */
export const accountPurpose = (account: string, field: 'sealed' | 'session'): string => `account/${account}/${field}`;

function readKey(text: string, where: string, advice: string): Key {
  const clean = text.trim();
  const bytes = Buffer.from(clean, 'base64');
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(clean) || bytes.byteLength !== KEY_BYTES) {
    throw new UsageError(`${where} does not hold a key (32 bytes in base64), so no account can be signed in.`, {
      code: 'bad_key',
      advice,
    });
  }
  const id = createHash('sha256').update('keepsake key id').update(bytes).digest('base64url').slice(0, 8);
  return { id, bytes };
}

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';

/** Only the owner may read the key; a file that was copied around with wider rights is tightened, and that is said. */
async function tighten(file: string, log: Log): Promise<void> {
  if (process.platform === 'win32') return;
  const { mode } = await stat(file);
  if ((mode & 0o077) === 0) return;
  try {
    await chmod(file, 0o600);
  } catch (cause) {
    throw new UsageError(`Other users of this machine can read the key file ${file}, and that cannot be changed.`, {
      code: 'key_readable',
      advice: `As the owner of the file: chmod 600 "${file}", then start again.`,
      cause,
    });
  }
  log('warn', 'secrets.tightened', { file, was: (mode & 0o777).toString(8) });
}

async function readKeyFile(file: string, log: Log): Promise<Key | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw new UsageError(`The key file ${file} cannot be read, so no account can be signed in.`, {
      code: 'key_unreadable',
      advice: 'Start Keepsake as the user who owns its data folder, or give that user the right to read the file.',
      cause,
    });
  }
  await tighten(file, log);
  return readKey(
    text,
    `The key file ${file}`,
    'Put the right file back from your own copy. Without it: move it away, start again, and connect each account anew; backed-up files are not concerned.',
  );
}

/**
 * Written aside and linked to its name: a second process that starts at the same moment sees no file or the whole
 * one, and `link` never replaces what is there.
 */
async function makeKeyFile(file: string, log: Log): Promise<void> {
  const aside = `${file}.${randomBytes(6).toString('hex')}`;
  const handle = await open(aside, 'wx', 0o600);
  try {
    await handle.writeFile(`${randomBytes(KEY_BYTES).toString('base64')}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    await link(aside, file);
    log('info', 'secrets.made', { file, note: 'Keep a copy of this file: accounts cannot be opened without it.' });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    await unlink(aside);
  }
}

async function fileKey(dataFolder: string, log: Log): Promise<Key> {
  const file = join(dataFolder, KEY_FILE);
  const found = await readKeyFile(file, log);
  if (found) return found;
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  await makeKeyFile(file, log);
  return (await readKeyFile(file, log)) ?? fileKey(dataFolder, log);
}

const wrongKey = (dataFolder: string, id: string): AuthRequired =>
  new AuthRequired('The saved sign-in cannot be opened: it was sealed with a key that is not here.', {
    code: 'wrong_key',
    advice: `Put the earlier key back (KEEPSAKE_KEY, or the file ${join(dataFolder, KEY_FILE)}; to change keys write KEEPSAKE_KEY="new,old"; the one needed has the id ${id}) and start again. If it is lost, connect the account again; no backed-up file is concerned.`,
  });

/**
 * The sealer of this data folder. `keys` come from `KEEPSAKE_KEY`: the first seals, all of them open. Without any, the
 * key file seals; with some, an existing key file still opens, so that moving from the file to the variable is a
 * rotation like any other. Throws `UsageError` for a key that is malformed or cannot be read.
 */
export async function openSealer(o: { dataFolder: string; keys: string[]; log: Log }): Promise<RotatingSealer> {
  const given = o.keys.map((text) =>
    readKey(text, 'KEEPSAKE_KEY', 'Set KEEPSAKE_KEY to the output of: openssl rand -base64 32'),
  );
  const own = given.length === 0 ? await fileKey(o.dataFolder, o.log) : undefined;
  const kept = own ? undefined : await readKeyFile(join(o.dataFolder, KEY_FILE), o.log);
  const keys = [...given, ...(own ? [own] : []), ...(kept ? [kept] : [])];
  const first = keys[0];
  if (!first) throw new UsageError('There is no key to seal credentials with.', { code: 'bad_key' });
  const current = `v1.${first.id}.`;
  return {
    isCurrent: (sealed) => sealed.startsWith(current),
    seal(plain, purpose) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', first.bytes, nonce);
      cipher.setAAD(Buffer.from(`${current}${purpose}`));
      const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return `${current}${nonce.toString('base64url')}.${body.toString('base64url')}`;
    },
    unseal(sealed, purpose) {
      const [version, id, nonce, body] = sealed.split('.');
      const bytes = Buffer.from(body ?? '', 'base64url');
      if (version !== 'v1' || !id || !nonce || bytes.byteLength < TAG_BYTES) {
        throw new IntegrityError('A saved sign-in is damaged and cannot be opened.', {
          code: 'sealed_damaged',
          advice: 'Connect the account again; no backed-up file is concerned.',
        });
      }
      const key = keys.find((candidate) => candidate.id === id);
      if (!key) throw wrongKey(o.dataFolder, id);
      try {
        const decipher = createDecipheriv('aes-256-gcm', key.bytes, Buffer.from(nonce, 'base64url'), {
          authTagLength: TAG_BYTES,
        });
        decipher.setAAD(Buffer.from(`v1.${id}.${purpose}`));
        decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
        return decipher.update(bytes.subarray(0, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
      } catch (cause) {
        throw new IntegrityError('A saved sign-in was altered, or belongs to another account.', {
          code: 'sealed_damaged',
          advice: 'Connect the account again; no backed-up file is concerned.',
          cause,
        });
      }
    },
  };
}

const FIELDS = ['sealed', 'session'] as const;

/** The account under the newest key; undefined when it already is. Throws `AuthRequired` for a key that is not here. */
function resealed(account: Account, sealer: RotatingSealer): Account | undefined {
  const next = { ...account };
  let changed = false;
  for (const field of FIELDS) {
    const sealed = account[field];
    if (sealed === undefined || sealer.isCurrent(sealed)) continue;
    const purpose = accountPurpose(account.id, field);
    next[field] = sealer.seal(sealer.unseal(sealed, purpose), purpose);
    changed = true;
  }
  return changed ? next : undefined;
}

/**
 * Brings every account and every kept value of a surface under the newest key; to be called at each start, does nothing when nothing is old. An account
 * whose key is not here is left as it is and named in the log: its key may come back.
 */
export async function reseal(
  store: Store,
  sealer: RotatingSealer,
  log: Log,
): Promise<{ resealed: number; left: number }> {
  const done = { resealed: 0, left: 0 };
  for await (const found of store.find('accounts')) {
    for (let account: Account | undefined = found; account; ) {
      try {
        const next = resealed(account, sealer);
        if (!next) break;
        await store.put('accounts', next);
        done.resealed++;
        break;
      } catch (error) {
        if (error instanceof Conflict) {
          account = await store.get('accounts', account.id);
          continue;
        }
        log('warn', 'secrets.left', { account: account.name, error });
        done.left++;
        break;
      }
    }
  }
  await resealVault(store, sealer, log, done);
  if (done.resealed > 0) log('info', 'secrets.resealed', { values: done.resealed });
  return done;
}

/** What surfaces keep sealed (`surface.ts`); the purpose is the document's id. */
async function resealVault(
  store: Store,
  sealer: RotatingSealer,
  log: Log,
  done: { resealed: number; left: number },
): Promise<void> {
  for await (const setting of store.find('settings', { from: 'vault/', to: 'vault0' })) {
    if (typeof setting.value !== 'string' || sealer.isCurrent(setting.value)) continue;
    try {
      await store.put('settings', {
        ...setting,
        value: sealer.seal(sealer.unseal(setting.value, setting.id), setting.id),
      });
      done.resealed++;
    } catch (error) {
      // Somebody wrote it anew just now, under the newest key.
      if (error instanceof Conflict) continue;
      log('warn', 'secrets.left', { setting: setting.id, error });
      done.left++;
    }
  }
}
