/** `accounts`: what is connected, and whether each sign-in works right now. */
import { connectLine } from '../accounts.ts';
import { AuthRequired, isKeepsakeError } from '../errors.ts';
import type { Services } from '../services.ts';
import type { Account, Caller, Health } from '../types.ts';
import { manyWords, sizeWords } from '../wording.ts';
import type { Command } from './command.ts';
import { accountsOf } from './locate.ts';
import { choice, choices, plain } from './reply.ts';

/** A server that takes longer is told as not answering; the list must come while somebody waits for it. */
const PATIENCE = 15_000;

interface Looked {
  account: Account;
  state: 'ready' | 'needs_sign_in' | 'unreachable';
  health?: Health;
  what: string;
}

const healthWords = (health: Health): string =>
  [health.free === undefined ? 'ready' : `ready, ${sizeWords(health.free)} free`, health.note ?? '']
    .filter(Boolean)
    .join('. ');

async function look(services: Services, caller: Caller, account: Account): Promise<Looked> {
  const signal = AbortSignal.any([caller.signal, AbortSignal.timeout(PATIENCE)]);
  try {
    const place = { account: account.id, kind: account.kind, root: '', text: account.name };
    const health = await services.places.check(place, signal);
    return { account, state: 'ready', health, what: healthWords(health) };
  } catch (error) {
    caller.signal.throwIfAborted();
    if (error instanceof AuthRequired) {
      // Signing in again would help here too, but the key that went missing concerns every account.
      const what = error.code === 'wrong_key' ? `${error.message} ${error.advice}` : 'needs you to sign in again';
      return { account, state: 'needs_sign_in', what };
    }
    services.log('warn', 'accounts.unreachable', { account: account.name, error });
    return { account, state: 'unreachable', what: isKeepsakeError(error) ? error.message : 'does not answer now' };
  }
}

export const accounts: Command<'accounts'> = {
  name: 'accounts',
  summary: 'Show what is connected and whether it works.',
  example: 'accounts',
  needs: 'viewer',
  looks: true,
  async *run(_args, caller, services) {
    const own = await accountsOf(services, caller.person);
    const able = services.kinds.list().filter((kind) => kind.name !== 'local');
    const offers = able
      .slice(0, 4)
      .map((kind) => choice(`Connect ${kind.title.replace(/ \(.*\)$/, '')}`, `connect ${kind.name}`));
    if (own.length === 0) {
      yield plain('Nothing is connected yet. Folders of this machine need no account.', choices(...offers), {
        accounts: [],
      });
      return;
    }
    const looked = await Promise.all(own.map((account) => look(services, caller, account)));
    const broken = looked.filter((one) => one.state !== 'ready');
    const titles = new Map(services.kinds.list().map((kind) => [kind.name, kind.title]));
    yield {
      ...plain(
        broken.length === 0
          ? `${manyWords(own.length, 'account')}, all ready`
          : `${broken.length} of ${manyWords(own.length, 'account')} ${broken.length === 1 ? 'needs' : 'need'} a look`,
        [
          {
            kind: 'table',
            columns: ['Name', 'Service', 'Signed in as', 'State'],
            rows: looked.map(({ account, health, what }) => [
              account.name,
              titles.get(account.kind) ?? account.kind,
              health?.account ?? '',
              what,
            ]),
          },
          ...choices(
            ...looked
              .filter((one) => one.state === 'needs_sign_in')
              .slice(0, 3)
              .map(({ account }) => choice(`Sign in to ${account.name}`, connectLine(account), 'primary')),
            ...offers.slice(0, 1),
          ),
        ],
        {
          accounts: looked.map(({ account, state, health, what }) => ({
            name: account.name,
            kind: account.kind,
            state,
            what,
            health,
          })),
        },
      ),
      tone: broken.length === 0 ? 'good' : 'bad',
      outcome: looked.some((one) => one.state === 'needs_sign_in') ? 'sign_in' : broken.length > 0 ? 'partial' : 'done',
      onlyForCaller: true,
    };
  },
};
