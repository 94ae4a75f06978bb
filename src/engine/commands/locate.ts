/** A location as typed -> the account and the canonical root that it means. */
import { AuthRequired, NotFound, UsageError } from '../errors.ts';
import type { Services } from '../services.ts';
import type { Account, Caller, Location } from '../types.ts';
import type { LocationText } from './command.ts';
import { nearest } from './grammar/suggest.ts';
import { keyOf } from './grammar/words.ts';

export async function accountsOf(services: Pick<Services, 'store'>, person: { id: string }): Promise<Account[]> {
  const accounts: Account[] = [];
  for await (const account of services.store.find('accounts', { index: 'owner', equals: [person.id] })) {
    accounts.push(account);
  }
  return accounts.sort((a, b) => a.name.localeCompare(b.name, 'en'));
}

function accountFor(text: LocationText, accounts: readonly Account[], title: string): Account {
  if (text.account !== undefined) {
    const name = keyOf(text.account);
    const named = accounts.find((account) => keyOf(account.name) === name);
    if (named) return named;
    const names = accounts.map((account) => account.name);
    const [close] = nearest(text.account, names);
    throw new NotFound(`You have no account named "${text.account}".`, {
      code: 'no_such_account',
      advice: close ? `Did you mean "${close}"?` : '`accounts` shows what is connected.',
      choices: [{ label: 'Show my accounts', line: 'accounts' }],
    });
  }
  const ofKind = accounts.filter((account) => account.kind === text.kind);
  const [first] = ofKind;
  if (!first) {
    throw new AuthRequired(`${title} is not connected yet, so nothing was set up.`, {
      code: 'not_connected',
      advice: `First type: connect ${text.kind}   Then say your line again.`,
      choices: [{ label: `Connect ${title}`, line: `connect ${text.kind}` }],
    });
  }
  if (ofKind.length > 1) {
    throw new UsageError(`You have ${ofKind.length} accounts of ${title}: which one does "${text.text}" mean?`, {
      code: 'which_account',
      advice: `Name it, for example: ${first.name}:${text.root}`,
      choices: [{ label: 'Show my accounts', line: 'accounts' }],
    });
  }
  return first;
}

/**
 * The place that a person means, for one side of a backup. Throws `AuthRequired` (`not_connected`) with the line that
 * connects it, `UsageError` for a root that cannot be or a kind that cannot be on that side.
 */
export async function locate(
  services: Pick<Services, 'store' | 'kinds' | 'config'>,
  caller: Pick<Caller, 'person'>,
  text: LocationText,
  side: 'source' | 'destination',
): Promise<Location> {
  const kind = await services.kinds.load(text.kind);
  if (!kind.roles.includes(side)) {
    const able = services.kinds.list().filter((other) => other.roles.includes(side));
    const role = side === 'source' ? 'be backed up' : 'hold a backup';
    throw new UsageError(`${kind.title} cannot ${role}.`, {
      code: 'wrong_side',
      advice: `These can: ${able.map((other) => other.name).join(', ')}.`,
    });
  }
  const root = kind.root ? kind.root(text.root, { home: services.config.home, cwd: services.config.cwd }) : text.root;
  if (kind.name === 'local') return { kind: kind.name, root, text: text.text };
  const account = accountFor(text, await accountsOf(services, caller.person), kind.title);
  return { account: account.id, kind: kind.name, root, text: text.text };
}
