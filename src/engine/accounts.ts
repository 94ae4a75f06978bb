/** Accounts in the store: their secrets and their session sealed, their state kept true. */
import { quote } from './commands/grammar/words.ts';
import { AuthRequired, Conflict, isKeepsakeError, NotFound } from './errors.ts';
import { accountPurpose } from './secrets.ts';
import type { Sealer } from './services.ts';
import type { Store } from './store/store.ts';
import type { Account, UploadMemo } from './types.ts';

/** Reads, changes and writes again until nobody was faster. Answers undefined when the account is gone. */
export async function changeAccount(
  store: Store,
  id: string,
  change: (account: Account) => Account,
): Promise<Account | undefined> {
  for (;;) {
    const account = await store.get('accounts', id);
    if (!account) return undefined;
    try {
      return await store.put('accounts', change(account));
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
    }
  }
}

/** Stored only when it changes, so that a check of a healthy account writes nothing. */
export async function setAccountState(store: Store, account: Account, state: Account['state']): Promise<void> {
  const now = await store.get('accounts', account.id);
  if (now && now.state !== state) await changeAccount(store, account.id, (known) => ({ ...known, state }));
}

/** The account's document with its secret answers sealed; `settings` holds the others. */
export function withSecrets(account: Account, secrets: Record<string, unknown>, sealer: Sealer): Account {
  if (Object.keys(secrets).length === 0) return account;
  return { ...account, sealed: sealer.seal(JSON.stringify(secrets), accountPurpose(account.id, 'sealed')) };
}

/** All answers to the kind's settings, secrets included. Throws `AuthRequired` when the key is another one. */
export function answersOf(account: Account, sealer: Sealer, secrets?: Set<string>): Record<string, unknown> {
  if (account.sealed === undefined) return account.settings;
  const opened: Record<string, unknown> = JSON.parse(
    sealer.unseal(account.sealed, accountPurpose(account.id, 'sealed')),
  );
  for (const value of Object.values(opened)) if (typeof value === 'string') secrets?.add(value);
  return { ...account.settings, ...opened };
}

/** What the provider remembers of this account between runs, sealed. */
export function sessionOf(store: Store, account: string, sealer: Sealer): UploadMemo {
  const purpose = accountPurpose(account, 'session');
  return {
    async load() {
      const stored = await store.get('accounts', account);
      return stored?.session === undefined ? undefined : sealer.unseal(stored.session, purpose);
    },
    async save(state) {
      const changed = await changeAccount(store, account, ({ session: _, ...rest }) => ({
        ...rest,
        ...(state === undefined ? {} : { session: sealer.seal(state, purpose) }),
      }));
      if (!changed) throw new NotFound('This account was disconnected meanwhile.', { code: 'account_gone' });
    },
  };
}

/** The account without a session that no key here opens; one that opens stays, because it may hold known host keys. */
export function withUsableSession(account: Account, sealer: Sealer): Account {
  const { session, ...rest } = account;
  if (session === undefined) return account;
  try {
    sealer.unseal(session, accountPurpose(account.id, 'session'));
    return account;
  } catch (error) {
    if (!isKeepsakeError(error)) throw error;
    return rest;
  }
}

/** The line that signs in to this account again. */
export const connectLine = (account: Pick<Account, 'kind' | 'name'>): string =>
  `connect ${account.kind} as ${quote(account.name)}`;

export const signInNeeded = (account: Account, cause?: unknown): AuthRequired =>
  new AuthRequired(`The account "${account.name}" needs you to sign in again; its backups wait until then.`, {
    advice: `Type: ${connectLine(account)}`,
    choices: [{ label: `Sign in to ${account.name}`, line: connectLine(account) }],
    cause,
  });
