/** `disconnect <account>`: forgets a sign-in, unless a backup needs it. */
import { connectLine } from '../accounts.ts';
import { NotFound, UsageError } from '../errors.ts';
import type { Services } from '../services.ts';
import type { Account, Caller, Plan } from '../types.ts';
import type { Command } from './command.ts';
import { nearest } from './grammar/suggest.ts';
import { keyOf, quote } from './grammar/words.ts';
import { accountsOf } from './locate.ts';
import { choice, choices, good, text } from './reply.ts';

async function find(services: Services, caller: Caller, name: string): Promise<Account> {
  const own = await accountsOf(services, caller.person);
  const account = own.find((candidate) => keyOf(candidate.name) === keyOf(name));
  if (account) return account;
  const close = nearest(
    name,
    own.map((candidate) => candidate.name),
  );
  throw new NotFound(`You have no account named "${name}".`, {
    code: 'no_such_account',
    advice: close[0] ? `Did you mean "${close[0]}"?` : '`accounts` shows what is connected.',
    choices: close.map((candidate) => ({ label: candidate, line: `disconnect ${quote(candidate)}` })),
  });
}

async function refuseInUse(services: Services, account: Account): Promise<void> {
  const users: Plan[] = [];
  for await (const plan of services.store.find('plans')) {
    if ([plan.source, ...plan.destinations].some((place) => place.account === account.id)) users.push(plan);
  }
  const [first] = users;
  if (!first) return;
  const names = users.map((plan) => `"${plan.name}"`).join(', ');
  throw new UsageError(
    `${users.length === 1 ? 'The backup' : 'The backups'} ${names} would stop working without "${account.name}".`,
    {
      code: 'account_in_use',
      advice: `Delete ${users.length === 1 ? 'it' : 'them'} first (the copied files stay): delete ${quote(first.name)}`,
      choices: users.slice(0, 3).map((plan) => ({ label: `Delete ${plan.name}`, line: `delete ${quote(plan.name)}` })),
    },
  );
}

export const disconnect: Command<'disconnect'> = {
  name: 'disconnect',
  summary: 'Forget the sign-in of an account.',
  example: 'disconnect home',
  needs: 'member',
  async danger(args, caller, services) {
    const account = await find(services, caller, args.account);
    await refuseInUse(services, account);
    return {
      title: `Disconnect ${account.name}?`,
      text: 'Its sign-in is forgotten here. Nothing in the account is changed.',
      label: `Disconnect ${account.name}`,
    };
  },
  async *run(args, caller, services) {
    const account = await find(services, caller, args.account);
    await refuseInUse(services, account);
    await services.store.remove('accounts', account.id);
    yield good(
      `${account.name} is disconnected`,
      [
        text(
          'Its sign-in is forgotten here. At the service itself you may also remove the access you gave to Keepsake.',
        ),
        ...choices(choice('Connect it again', connectLine(account)), choice('My accounts', 'accounts')),
      ],
      { disconnected: account.name },
    );
  },
};
