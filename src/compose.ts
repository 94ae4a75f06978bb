/**
 * Puts the parts together, for the terminal and for the server alike. What is heavy and not needed by every command
 * (MongoDB, undici, Agenda, nodemailer) is loaded when it is first used: a command that only answers is answered at once.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createBackup } from './engine/backup/index.ts';
import { systemClock } from './engine/clock.ts';
import { createDispatch, type Dispatch } from './engine/commands/dispatch.ts';
import { formFor } from './engine/commands/form-for.ts';
import type { Config } from './engine/config.ts';
import { Stopped } from './engine/errors.ts';
import { createLog, redact } from './engine/log.ts';
import { mailSecrets } from './engine/mail-config.ts';
import { createOutbox } from './engine/outbox.ts';
import { createPlaces } from './engine/places.ts';
import { withBandwidth } from './engine/provider-wrappers.ts';
import { createQuestions } from './engine/questions.ts';
import { openSealer, reseal } from './engine/secrets.ts';
import type {
  Backup,
  Deliverer,
  MailServices,
  Outbox,
  Page,
  Scheduler,
  Services,
  SurfaceServices,
} from './engine/services.ts';
import type { Store } from './engine/store/store.ts';
import { createSuggest } from './engine/suggest.ts';
import { createSurfaceServices } from './engine/surface.ts';
import type { Clock, Log, Person, ProviderContext } from './engine/types.ts';
import { kinds } from './providers/index.ts';

export interface ComposeOptions {
  /** Gets one line of the log, without its line break. */
  writeLog(line: string): void;
  clock?: Clock;
  /** Further ways out besides mail files. */
  deliverers?: readonly Deliverer[];
  askSecret?: NonNullable<Services['askSecret']>;
}

export interface Composed {
  services: Services;
  dispatch: Dispatch;
  outbox: Outbox;
  /** What a chat surface gets of all this. */
  surface(): SurfaceServices;
  /** Writes digests, and tells of backups that did not run, until the signal is aborted. */
  digest(signal: AbortSignal): Promise<void>;
  /** Takes mails that come in until the signal is aborted. Resolves at once where none is set up. */
  readMail(signal: AbortSignal, onReady?: () => void): Promise<void>;
  /** What a browser may open; works until the signal is aborted. */
  pages(signal: AbortSignal): Promise<Page[]>;
  /** Works queued and abandoned runs, and starts scheduled ones, until the signal is aborted; then comes to rest. */
  work(signal: AbortSignal): Promise<void>;
  /** Stops what is still running at its next chunk, waits for it, and lets go of everything. */
  close(): Promise<void>;
}

const DATABASE = 'keepsake.db';
const MAIL_FOLDER = 'mail';
/** A hand-over only queues a run: what has not done that in this time hangs, and is owed at the next start. */
const HAND_OVER_GRACE = 5_000;

async function openStore(config: Config, clock: Clock, log: Log): Promise<Store> {
  if (config.mongodb !== undefined) {
    const { openMongo } = await import('./engine/store/mongo.ts');
    return openMongo(config.mongodb, { clock, log });
  }
  const { openSqlite } = await import('./engine/store/sqlite.ts');
  return openSqlite(join(config.data, DATABASE), { clock, log });
}

/** Made at the first use; `made` answers it only if there was one. */
function lazily<T>(make: () => Promise<T>): { get(): Promise<T>; made(): Promise<T | undefined> } {
  let promise: Promise<T> | undefined;
  return {
    get() {
      promise ??= make().catch((error: unknown) => {
        // The next use tries again: a database that was away for a moment must not be away for ever.
        promise = undefined;
        throw error;
      });
      return promise;
    },
    made: async () => promise,
  };
}

/** A mail file is written by nodemailer, which is loaded with the first message. */
const mailFiles = (config: Config): Deliverer => ({
  surface: 'mail',
  async deliver(message, to, signal) {
    const { createEmlDeliverer } = await import('./mail/eml.ts');
    await createEmlDeliverer({ folder: join(config.data, MAIL_FOLDER), zone: config.zone }).deliver(
      message,
      to,
      signal,
    );
  },
});

const CHATS = ['slack', 'discord'] as const;

/** Where a question reaches somebody soonest: in a chat they use, or wherever they look next. */
const askedOn =
  (config: Config) =>
  ({ identities }: Person): string[] => {
    const chats = CHATS.filter((chat) => config[chat] && identities.some(({ surface }) => surface === chat));
    return chats.length > 0 ? chats : ['console', 'mail'];
  };

/** Every work in progress ends with `stop`, and can be waited for. */
function tracked(backup: Backup): { backup: Backup; stop: AbortController; rest(): Promise<void> } {
  const stop = new AbortController();
  const working = new Set<Promise<unknown>>();
  return {
    stop,
    backup: {
      ...backup,
      work(run, signal) {
        const work = backup.work(run, AbortSignal.any([signal, stop.signal]));
        working.add(work);
        const forget = (): void => void working.delete(work);
        work.then(forget, forget);
        return work;
      },
    },
    async rest() {
      await Promise.allSettled(working);
    },
  };
}

/**
 * Opens the data folder (made, for its user only, when it is not there) and everything in it. Throws `UsageError` with
 * what to do for a database from a newer version, a key that is malformed, a folder that cannot be written.
 */
export async function compose(config: Config, o: ComposeOptions): Promise<Composed> {
  const clock = o.clock ?? systemClock;
  const secrets = new Set<string>(config.mail ? mailSecrets(config.mail) : []);
  const log = createLog({ level: config.logLevel, write: o.writeLog, secrets, clock });
  await mkdir(config.data, { recursive: true, mode: 0o700 });
  const sealer = await openSealer({ dataFolder: config.data, keys: config.keys, log });
  const store = await openStore(config, clock, log);
  try {
    await reseal(store, sealer, log);
  } catch (error) {
    await store.close();
    throw error;
  }

  const web = lazily(async () => {
    const { createHttp } = await import('./engine/http.ts');
    return createHttp({ clock, log, redact: (text) => redact(text, secrets) });
  });
  const http: ProviderContext['http'] = async (request) => (await web.get()).http(request);
  const mail = lazily(async () => {
    if (config.mail === undefined) return undefined;
    const { createMailSurface } = await import('./mail/surface.ts');
    const { data, endpoints, url } = config;
    return createMailSurface({
      config: config.mail,
      services: await mailServices(),
      http,
      endpoints,
      data,
      ...(url === undefined ? {} : { url }),
    });
  });
  const mailed: Deliverer = {
    surface: 'mail',
    deliver: async (message, to, signal) => (await mail.get())?.deliverer.deliver(message, to, signal),
  };
  const ways = {
    surfaces: ['console', 'mail', ...(config.slack ? ['slack'] : []), ...(config.discord ? ['discord'] : [])],
    mailFiles: config.mail?.smtp === undefined,
  };
  const mailOut = config.mail?.smtp === undefined ? mailFiles(config) : mailed;
  const outbox = createOutbox({ store, deliverers: [mailOut, ...(o.deliverers ?? [])], clock, log });
  const { codesInChat } = config;
  const questions = createQuestions({ store, clock, sealer, outbox, codesInChat, surfacesOf: askedOn(config) });
  const places = createPlaces({
    store,
    sealer,
    kinds,
    http,
    clock,
    log,
    config,
    secrets,
    ask: questions.ask,
    wrap: (provider, { limit }) => (limit === undefined ? provider : withBandwidth(provider, limit, clock)),
  });
  const made = createBackup({
    store,
    clock,
    log,
    places,
    outbox,
    data: config.data,
    ...ways,
  });
  const { backup, stop, rest } = tracked(made);

  const planner = lazily(async () => {
    const { openScheduler } = await import('./engine/scheduler.ts');
    return openScheduler({
      jobs: config.mongodb === undefined ? { sqlite: join(config.data, DATABASE) } : { mongodb: config.mongodb },
      store,
      clock,
      log,
      async onDue(id) {
        const plan = await store.get('plans', id);
        if (plan) await backup.start(plan, 'schedule');
      },
    });
  });
  const scheduler: Scheduler = {
    schedule: async (plan) => (await planner.get()).schedule(plan),
    cancel: async (plan) => (await planner.get()).cancel(plan),
  };

  const printer = lazily(async () => {
    const { createPrinter } = await import('./mail/pdf.ts');
    return createPrinter({ folder: join(config.data, 'browser'), clock, log });
  });
  const reportPdf: NonNullable<Services['reportPdf']> = async (reply, look) => {
    const { renderPrint } = await import('./mail/print-render.ts');
    return (await printer.get()).print(renderPrint(reply, look));
  };

  const services: Services = {
    config,
    store,
    clock,
    log,
    sealer,
    kinds,
    places,
    outbox,
    backup,
    scheduler,
    reportPdf,
    ...(o.askSecret === undefined ? {} : { askSecret: o.askSecret }),
  };
  const dispatch = createDispatch(services);
  const surface = (): SurfaceServices =>
    createSurfaceServices(services, {
      dispatch,
      suggest: createSuggest(services),
      form: (what, caller) => formFor(services, caller, what),
    });
  const mailServices = async (): Promise<MailServices> => {
    const { createMailServices } = await import('./engine/mail-services.ts');
    return createMailServices(services, surface());
  };
  return {
    services,
    dispatch,
    outbox,
    surface,
    async digest(signal) {
      const { startDigest } = await import('./engine/digest.ts');
      await startDigest({ store, clock, log, outbox, ...ways, signal });
    },
    readMail: async (signal, onReady) => (await mail.get())?.run(signal, onReady),
    async pages(signal) {
      if (config.mail === undefined) return [];
      const { mailPages } = await import('./mail/pages.ts');
      return mailPages(await mailServices(), signal);
    },
    async work(signal) {
      const running = await planner.get();
      await running.start();
      await made.workUntil(AbortSignal.any([signal, stop.signal]));
    },
    async close() {
      stop.abort(new Stopped('Keepsake is being stopped.'));
      await rest();
      await (await planner.made())?.stop(HAND_OVER_GRACE);
      await (await mail.made())?.close();
      await (await printer.made())?.close();
      await (await web.made())?.close();
      await store.close();
    },
  };
}
