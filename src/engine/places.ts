/** Opens locations: account -> answers -> driver, with the world that a driver may use, wrapped by the engine's manners. */
import { realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { answersOf, connectLine, sessionOf, setAccountState, signInNeeded } from './accounts.ts';
import type { Config } from './config.ts';
import { AuthRequired, Conflict, isKeepsakeError, NotAllowed, NotFound, UsageError } from './errors.ts';
import type { KindRegistry, OpenLocation, Places, Sealer } from './services.ts';
import { watchSignIn } from './sign-in.ts';
import type { Store } from './store/store.ts';
import type {
  Account,
  Caller,
  Clock,
  Health,
  Location,
  Log,
  Provider,
  ProviderContext,
  ProviderKind,
  Question,
  Traits,
  UploadMemo,
} from './types.ts';

/** What a wrapper may know of the location that it is put around. */
export interface WrapDetails {
  location: Location;
  /** The one thing that all locations of an account share (for rate limits); the kind's name for this machine. */
  shared: string;
  traits: Traits;
  signal: AbortSignal;
  /** Bytes per second of this run. */
  limit?: number;
}

export interface PlacesOptions {
  store: Store;
  sealer: Sealer;
  kinds: KindRegistry;
  http: ProviderContext['http'];
  clock: Clock;
  log: Log;
  config: Config;
  /** Asks the account's owner on the surface they use. Absent: nobody can be asked, and the account needs a sign-in. */
  ask?(question: Question, account: Account): Promise<string>;
  /** Retry, rate limit, bandwidth: a provider around the provider. */
  wrap?(provider: Provider, details: WrapDetails): Provider;
  /** Opened secrets are added here, so that the log hides them. */
  secrets?: Set<string>;
}

const ROOTS = 'local-roots';

async function rememberedRoots(store: Store): Promise<string[]> {
  const value = (await store.get('settings', ROOTS))?.value;
  return Array.isArray(value) ? value.filter((root) => typeof root === 'string') : [];
}

async function rememberRoot(store: Store, folder: string): Promise<void> {
  for (;;) {
    const stored = await store.get('settings', ROOTS);
    try {
      await store.put('settings', { ...(stored ?? { id: ROOTS }), value: [...(await rememberedRoots(store)), folder] });
      return;
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
    }
  }
}

/** With every link followed, as far as the folder is there. */
export async function realFolder(folder: string): Promise<string> {
  try {
    return await realpath(folder);
  } catch (error) {
    const parent = dirname(folder);
    if (parent === folder) throw error;
    return join(await realFolder(parent), basename(folder));
  }
}

/** Real folders are compared: a link planted in an open folder must not lead out of it. */
async function isWithin(folder: string, roots: readonly string[]): Promise<boolean> {
  const real = await realFolder(resolve(folder));
  for (const root of roots) {
    const way = relative(await realFolder(resolve(root)), real);
    if (way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way))) return true;
  }
  return false;
}

/**
 * Throws `NotAllowed` unless the caller may use this folder of the machine. Folders in `KEEPSAKE_LOCAL_ROOTS` are open to
 * all members. A folder that an owner types on the terminal is opened by that, and stays open for owners only:
 * whoever is let in by chat must not reach the disk through what was typed at the keyboard.
 */
export async function openLocalFolder(
  services: { store: Store; config: Pick<Config, 'localRoots'> },
  caller: Pick<Caller, 'person' | 'surface'>,
  location: Location,
): Promise<void> {
  if (location.account !== undefined || location.kind !== 'local') return;
  const folder = resolve(location.root);
  if (await isWithin(folder, services.config.localRoots)) return;
  const owner = caller.person.role === 'owner';
  const remembered = await rememberedRoots(services.store);
  if (owner && (await isWithin(folder, remembered))) return;
  if (!owner || caller.surface !== 'terminal') {
    throw new NotAllowed(`The folder ${location.text} of this machine is not open to backups.`, {
      code: 'folder_closed',
      advice:
        'Its operator can open it: name it in KEEPSAKE_LOCAL_ROOTS, or type the same line once in the terminal of that machine.',
    });
  }
  await rememberRoot(services.store, folder);
}

/** The first of these folders of the machine that nobody has opened to backups yet. */
export async function closedFolder(
  services: { store: Store; config: Pick<Config, 'localRoots'> },
  locations: readonly Location[],
): Promise<Location | undefined> {
  const open = [...services.config.localRoots, ...(await rememberedRoots(services.store))];
  for (const location of locations) {
    if (location.account === undefined && location.kind === 'local' && !(await isWithin(location.root, open)))
      return location;
  }
  return undefined;
}

/** A local folder has no account to keep a session in; what its driver remembers is kept by root. */
const localSession = (store: Store, location: Location): UploadMemo => {
  const id = `session/${location.kind}/${location.root}`;
  return {
    async load() {
      const value = (await store.get('memos', id))?.value;
      return typeof value === 'string' ? value : undefined;
    },
    save: (state) => (state === undefined ? store.remove('memos', id) : store.putMany('memos', [{ id, value: state }])),
  };
};

function parseSettings(kind: ProviderKind, answers: Record<string, unknown>, account: Account | undefined): unknown {
  try {
    return kind.settings.parse(answers);
  } catch (cause) {
    if (isKeepsakeError(cause)) throw cause;
    const whose = account ? `The settings of the account "${account.name}"` : `The settings for ${kind.title}`;
    throw new UsageError(`${whose} are not complete, so it cannot be opened.`, {
      code: 'bad_settings',
      advice: `Connect it again: ${account ? connectLine(account) : `connect ${kind.name}`}`,
      cause,
    });
  }
}

export function createPlaces(o: PlacesOptions): Places {
  const { store, log } = o;

  const context = async (location: Location, session: UploadMemo, account?: Account): Promise<ProviderContext> => ({
    http: o.http,
    endpoint: (service, fallback) => o.config.endpoints[service.toLowerCase()] ?? fallback,
    session,
    ask: async (question) => {
      if (o.ask && account) return o.ask(question, account);
      throw new AuthRequired(`${question.text} Nobody could be asked.`, {
        advice: `Type: ${account ? connectLine(account) : `connect ${location.kind}`}`,
      });
    },
    log: (level, event, details) => log(level, `${location.kind}.${event}`, { account: account?.name, ...details }),
    clock: o.clock,
    localRoots: [...o.config.localRoots, ...(await rememberedRoots(store))],
    home: o.config.home,
    cwd: o.config.cwd,
  });

  const accountOf = async (location: Location): Promise<Account | undefined> => {
    if (location.account === undefined) return undefined;
    const account = await store.get('accounts', location.account);
    if (!account || account.kind !== location.kind) {
      throw new NotFound(`The account behind "${location.text}" is no longer connected.`, {
        code: 'account_gone',
        advice: `Connect it again (connect ${location.kind}), then make the backup anew; what is already there is used.`,
        choices: [{ label: `Connect ${location.kind}`, line: `connect ${location.kind}` }],
      });
    }
    return account;
  };

  /** The driver's provider, its sign-in watched; not yet wrapped. */
  const openPlain = async (
    location: Location,
    account: Account | undefined,
  ): Promise<{ kind: ProviderKind; provider: Provider }> => {
    const kind = await o.kinds.load(location.kind);
    const settings = parseSettings(kind, account ? answersOf(account, o.sealer, o.secrets) : {}, account);
    const session = account ? sessionOf(store, account.id, o.sealer) : localSession(store, location);
    const mark = async (): Promise<void> => {
      if (account) await setAccountState(store, account, 'needs_sign_in');
    };
    try {
      const provider = await kind.open(settings, location.root, await context(location, session, account));
      return { kind, provider: account ? watchSignIn(provider, mark) : provider };
    } catch (error) {
      if (error instanceof AuthRequired) await mark();
      throw error;
    }
  };

  const checked = async (provider: Provider, account: Account | undefined, signal: AbortSignal): Promise<Health> => {
    const health = await provider.check({ signal });
    if (account) await setAccountState(store, account, 'ready');
    return health;
  };

  return {
    async open(location, signal, limit): Promise<OpenLocation> {
      const account = await accountOf(location);
      const { kind, provider } = await openPlain(location, account);
      try {
        if (account?.state === 'needs_sign_in') {
          // One cheap request tells whether the owner has mended it elsewhere (a password changed back, a trust renewed).
          await checked(provider, account, signal).catch((error: unknown) => {
            throw error instanceof AuthRequired ? signInNeeded(account, error) : error;
          });
        }
      } catch (error) {
        await provider.close?.();
        throw error;
      }
      const traits: Traits = { ...kind.traits, ...provider.traits };
      const shared = account?.id ?? location.kind;
      return {
        location,
        provider:
          o.wrap?.(provider, { location, shared, traits, signal, ...(limit === undefined ? {} : { limit }) }) ??
          provider,
        traits,
        close: async () => provider.close?.(),
      };
    },
    async check(location, signal) {
      const account = await accountOf(location);
      const { provider } = await openPlain(location, account);
      try {
        return await checked(provider, account, signal);
      } finally {
        await provider.close?.();
      }
    },
  };
}
