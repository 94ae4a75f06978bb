/** `connect <kind>`: asks what is missing, proves that the sign-in works, and only then keeps it. */
import { randomBytes } from 'node:crypto';
import { withSecrets, withUsableSession } from '../accounts.ts';
import { AuthRequired, UsageError } from '../errors.ts';
import type { Services } from '../services.ts';
import type { Account, Caller, Health, ProviderKind, Reply } from '../types.ts';
import { sizeWords } from '../wording.ts';
import type { Command, CommandArgs } from './command.ts';
import { failureReply } from './failure.ts';
import { kindForm } from './forms.ts';
import { keyOf, quote } from './grammar/words.ts';
import { accountsOf } from './locate.ts';
import { newestRun, visiblePlans } from './plan-of.ts';
import { choice, choices, good, plain, text } from './reply.ts';
import { checkedSettings, exampleLine, type SettingField, settingFields, typedAnswers } from './settings-form.ts';

type Args = CommandArgs['connect'];

/** The account to sign in again: the one named, or the only one of its kind that waits for it. */
function existing(args: Args, own: readonly Account[]): Account | undefined {
  if (args.name === undefined) {
    const waiting = own.filter((account) => account.kind === args.kind && account.state === 'needs_sign_in');
    return waiting.length === 1 ? waiting[0] : undefined;
  }
  const key = keyOf(args.name);
  const named = own.find((account) => keyOf(account.name) === key);
  if (named && named.kind !== args.kind) {
    throw new UsageError(`You already have an account named "${named.name}", of another kind (${named.kind}).`, {
      code: 'name_taken',
      advice: `Choose another name, for example: connect ${args.kind} as ${quote(`${named.name}-${args.kind}`)}`,
    });
  }
  return named;
}

function freeName(kind: string, own: readonly Account[]): string {
  const taken = new Set(own.map((account) => keyOf(account.name)));
  for (let n = 1; ; n++) {
    const name = n === 1 ? kind : `${kind}-${n}`;
    if (!taken.has(keyOf(name))) return name;
  }
}

async function askSecrets(
  form: readonly SettingField[],
  ask: NonNullable<Services['askSecret']>,
): Promise<Record<string, unknown>> {
  const secrets: Record<string, unknown> = {};
  for (const field of form.filter((candidate) => candidate.secret)) {
    const label = field.required ? field.label : `${field.label} (Enter to leave it out)`;
    const answer = await ask(label, field.help);
    if (answer !== '') secrets[field.name] = answer;
  }
  return secrets;
}

/** The line with all that was said, which is never a secret. */
const lineAgain = (kind: ProviderKind, name: string | undefined, settings: Args['settings']): string =>
  [
    `connect ${kind.name}`,
    ...(name === undefined ? [] : [`as ${quote(name)}`]),
    ...Object.entries(settings).map(([setting, value]) => `${setting}=${quote(value)}`),
  ].join(' ');

/** Where a password would be read by others the rest is said, and the terminal asks for it. */
function atTheMachine(kind: ProviderKind, form: readonly SettingField[], args: Args): Reply {
  const secrets = form.filter((field) => field.secret).map((field) => field.label);
  return {
    ...plain(
      'One step is left, at the computer where Keepsake runs.',
      [
        text(
          `${kind.title} asks for a secret (${secrets.join(', ')}). Never type it here: the servers of a chat and everybody in it could read it.`,
        ),
        text('At that computer start `npm run -s keepsake` and say this line; the secret is asked for and not shown:'),
        { kind: 'line', line: lineAgain(kind, args.name, args.settings) },
      ],
      { outcome: 'error', code: 'no_secrets_here', kind: kind.name },
    ),
    onlyForCaller: true,
    outcome: 'not_understood',
  };
}

/** Undefined when nothing is. */
function missing(
  kind: ProviderKind,
  form: readonly SettingField[],
  answers: Record<string, unknown>,
  args: Args,
): Reply | undefined {
  const absent = form.filter((field) => field.required && !field.secret && answers[field.name] === undefined);
  if (absent.length === 0) return undefined;
  const wanted = absent.map((field) => field.name).join(', ');
  const helps = absent.map((field) => `${field.name}: ${(field.help ?? field.label).replace(/\.$/, '')}.`);
  const reply = failureReply(
    new UsageError(`To connect ${kind.title}, this is missing: ${wanted}.`, {
      code: 'missing_settings',
      advice: [...helps, `In one line: \`${exampleLine(kind, form)}\``].join('\n'),
    }),
  );
  return { ...reply, tone: 'plain', blocks: [...reply.blocks, kindForm(kind, form, args.settings, args.name)] };
}

/** Stored to be checked with its session and its seal, and put back as it was if the check fails. */
async function keepIfGood(
  services: Services,
  account: Account,
  before: Account | undefined,
  signal: AbortSignal,
): Promise<Health> {
  const { store } = services;
  const stored = await store.put('accounts', account);
  try {
    return await services.places.check({ account: stored.id, kind: stored.kind, root: '', text: stored.name }, signal);
  } catch (error) {
    if (before) {
      const now = await store.get('accounts', stored.id);
      if (now?.rev !== undefined) await store.put('accounts', { ...before, rev: now.rev });
    } else {
      await store.remove('accounts', stored.id);
    }
    throw error;
  }
}

/** A typed password was wrong, most of the time; the line to try again holds all but the password. */
function refusedSignIn(kind: ProviderKind, account: Account, args: Args, cause: AuthRequired): AuthRequired {
  return new AuthRequired(`${kind.title} did not accept this sign-in, so nothing was kept.`, {
    advice: `Check the user name and the password. ${cause.advice}`,
    choices: [{ label: 'Try again', line: lineAgain(kind, account.name, args.settings) }],
    cause,
  });
}

/** The owner's runs that waited for this sign-in go on by themselves. */
async function resumeWaiting(services: Services, caller: Caller, account: Account): Promise<string[]> {
  const resumed: string[] = [];
  for (const plan of await visiblePlans(services, caller)) {
    const uses = [plan.source, ...plan.destinations].some((place) => place.account === account.id);
    if (!uses || (await newestRun(services, plan))?.state !== 'waiting') continue;
    await services.backup.start(plan, 'resume');
    resumed.push(plan.name);
  }
  return resumed;
}

function connected(kind: ProviderKind, account: Account, health: Health, resumed: string[]): Reply {
  const who = health.account ? ` (${health.account})` : '';
  const room = health.free === undefined ? '' : ` ${sizeWords(health.free)} free.`;
  const name = quote(account.name);
  return good(
    `${kind.title} is connected as "${account.name}"${who}`,
    [
      text(`The sign-in works and is kept sealed.${room}${health.note ? ` ${health.note}` : ''}`),
      ...(resumed.length > 0 ? [text(`These go on now: ${resumed.join(', ')}.`)] : []),
      text(`Use it by its name, for example: ${name}:${kind.rootExample}`),
      ...choices(choice('My accounts', 'accounts'), choice('Make a backup', 'help create')),
    ],
    { account: account.name, kind: kind.name, health, resumed },
  );
}

export const connect: Command<'connect'> = {
  name: 'connect',
  summary: 'Connect a cloud, a server or a mailbox.',
  example: 'connect webdav as home url=https://dav.example.org',
  needs: 'member',
  async *run(args, caller, services) {
    const kind = await services.kinds.load(args.kind);
    const form = settingFields(kind);
    if (kind.name === 'local') {
      throw new UsageError('Folders of this machine need no account.', {
        code: 'no_account_needed',
        advice: 'Name the folder where you need it: backup ~/Pictures to /mnt/usb weekly',
      });
    }
    const own = await accountsOf(services, caller.person);
    const before = existing({ ...args, kind: kind.name }, own);
    // Signing in again means new secrets; the address and the user name are still the same.
    const open = { ...before?.settings, ...typedAnswers(kind, form, args.settings) };
    const unsaid = missing(kind, form, open, args);
    if (unsaid) {
      yield unsaid;
      return;
    }
    if (!services.askSecret && form.some((field) => field.secret)) {
      yield atTheMachine(kind, form, args);
      return;
    }
    const secrets = services.askSecret ? await askSecrets(form, services.askSecret) : {};
    checkedSettings(kind, form, { ...open, ...secrets });
    const { sealed: _, ...base } = (before && withUsableSession(before, services.sealer)) ?? {
      id: `a${randomBytes(6).toString('hex')}`,
      owner: caller.person.id,
      name: args.name ?? freeName(kind.name, own),
      kind: kind.name,
      created: services.clock.now().toISOString(),
    };
    const account = withSecrets({ ...base, settings: open, state: 'ready' }, secrets, services.sealer);
    const health = await keepIfGood(services, account, before, caller.signal).catch((error: unknown) => {
      throw error instanceof AuthRequired && error.code === 'auth_required'
        ? refusedSignIn(kind, account, args, error)
        : error;
    });
    yield connected(kind, account, health, await resumeWaiting(services, caller, account));
  },
};
