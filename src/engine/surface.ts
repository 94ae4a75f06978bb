/** What a surface gets of the engine: people, lines, cards that outlive a restart, and a place for what a button cannot hold. */
import { createHash, randomBytes } from 'node:crypto';
import { holderName, isHeld } from './backup/lease.ts';
import { hasEnded } from './backup/report.ts';
import type { Dispatch } from './commands/dispatch.ts';
import { cardOf } from './commands/follow.ts';
import { newestRun } from './commands/plan-of.ts';
import { Conflict, NotFound } from './errors.ts';
import { callerPerson, isStranger, rememberLooks } from './people.ts';
import type { Control, Services, SurfaceServices, Vault } from './services.ts';
import type { Plan, Reply, Run, Thread } from './types.ts';

/** Three missed beats of whoever shows a card (`cards.ts` asks every 10 s). */
const HOLD = 30_000;
const DAY = 24 * 3_600_000;
/** Buttons of a report are pressed weeks later; nobody presses them after a season. */
const CONTROL_DAYS = 90;
const LOOK_EVERY = 1_000;
/** A server that was stopped comes back within this time, or its card says what is. */
const COMES_BACK = 30 * 60_000;

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);

const controlId = (id: string): string => `control/${id}`;

function createControls({ store, clock }: Pick<Services, 'store' | 'clock'>): SurfaceServices['controls'] {
  const inDays = (days: number): string => new Date(clock.now().getTime() + days * DAY).toISOString();
  return {
    async keep({ line, form, about }) {
      const control: Control = {
        ...(line === undefined ? {} : { line }),
        ...(form === undefined ? {} : { form }),
        ...(about === undefined ? {} : { about }),
      };
      const id = digest(JSON.stringify(control));
      const known = await store.get('pending', controlId(id));
      // A card is drawn again every few seconds; its buttons are written once in a month.
      if (known === undefined || known.expires < inDays(CONTROL_DAYS - 30)) {
        await store.putMany('pending', [
          { id: controlId(id), kind: 'control', payload: { control }, expires: inDays(CONTROL_DAYS) },
        ]);
      }
      return id;
    },
    async find(id) {
      const pending = await store.get('pending', controlId(id));
      if (pending?.kind !== 'control' || pending.expires <= inDays(0)) return undefined;
      return pending.payload.control as Control;
    },
  };
}

const vaultId = (id: string): string => `vault/${id}`;

function createVault({ store, sealer }: Pick<Services, 'store' | 'sealer'>): Vault {
  return {
    async get(id) {
      const setting = await store.get('settings', vaultId(id));
      return typeof setting?.value === 'string' ? sealer.unseal(setting.value, vaultId(id)) : undefined;
    },
    put: (id, value) => store.putMany('settings', [{ id: vaultId(id), value: sealer.seal(value, vaultId(id)) }]),
    remove: (id) => store.remove('settings', vaultId(id)),
  };
}

const leaseId = (thread: Thread): string => `card/${thread.id}`;

function createThreads({ store, clock }: Pick<Services, 'store' | 'clock'>): SurfaceServices['threads'] {
  const holder = holderName(randomBytes(6).toString('hex'));
  return {
    async keep(thread) {
      await store.putMany('threads', [thread]);
      if (thread.state !== 'open') await store.remove('leases', leaseId(thread));
    },
    async close({ state: _, ...thread }) {
      if (await store.get('threads', thread.id)) await store.putMany('threads', [thread]);
      await store.remove('leases', leaseId(thread));
    },
    at: (surface, reference) => store.get('threads', `${surface}/${reference}`),
    async ofRun(surface, run) {
      const found: Thread[] = [];
      for await (const thread of store.find('threads', { index: 'run', equals: [run] })) {
        if (thread.surface === surface) found.push(thread);
      }
      return found;
    },
    open: (surface) => store.find('threads', { index: 'surface+state', equals: [surface, 'open'] }),
    async hold(thread) {
      const id = leaseId(thread);
      const lease = await store.get('leases', id);
      if (lease && lease.holder !== holder && isHeld(lease, clock.now())) return false;
      const until = new Date(clock.now().getTime() + HOLD).toISOString();
      try {
        await store.put('leases', { id, holder, until, ...(lease?.rev === undefined ? {} : { rev: lease.rev }) });
        return true;
      } catch (error) {
        if (!(error instanceof Conflict)) throw error;
        return false;
      }
    },
  };
}

const resting = (plan: Plan, run: Run, where: Parameters<typeof cardOf>[2]): Reply => ({
  ...cardOf(plan, { ...run, state: 'running' }, where),
  title: `${plan.name}: interrupted, and goes on by itself as soon as Keepsake is back`,
});

function createFollow({
  store,
  clock,
  backup,
}: Pick<Services, 'store' | 'clock' | 'backup'>): SurfaceServices['follow'] {
  const planOf = async (run: Run): Promise<Plan> => {
    const plan = await store.get('plans', run.plan);
    if (!plan) throw new NotFound('This backup was removed.', { code: 'no_such_plan' });
    return plan;
  };

  /** The run that goes on where this one was cut off; undefined when none comes. */
  async function nextOf(run: Run, signal: AbortSignal): Promise<Run | undefined> {
    const until = clock.now().getTime() + COMES_BACK;
    while (clock.now().getTime() < until) {
      const plan = await planOf(run);
      const newest = await newestRun({ store }, plan);
      if (newest && newest.id !== run.id) return newest;
      if (plan.state === 'paused') return undefined;
      await clock.sleep(LOOK_EVERY, signal);
    }
    return undefined;
  }

  return async function* follow(run, signal, conversation) {
    const where = conversation === undefined ? {} : { conversation };
    for (let id: string | undefined = run; id !== undefined; ) {
      let last: Run | undefined;
      for await (const state of backup.watch(id, signal)) {
        last = state;
        const plan = await planOf(state);
        yield hasEnded(state) && state.interrupted ? resting(plan, state, where) : cardOf(plan, state, where);
      }
      if (!last?.interrupted) return;
      const next: Run | undefined = await nextOf(last, signal);
      if (!next) yield cardOf(await planOf(last), last, where);
      id = next?.id;
    }
  };
}

export function createSurfaceServices(
  services: Services,
  o: { dispatch: Dispatch } & Pick<SurfaceServices, 'suggest' | 'form'>,
): SurfaceServices {
  const { store, clock, log, config } = services;
  return {
    dispatch: o.dispatch,
    async person(identity, { name, zone, locale }) {
      const looks = { ...(zone === undefined ? {} : { zone }), ...(locale === undefined ? {} : { locale }) };
      const person = await callerPerson(store, identity, { clock, name, ...looks });
      return isStranger(person) ? person : rememberLooks(store, person, looks);
    },
    suggest: o.suggest,
    form: o.form,
    follow: createFollow(services),
    threads: createThreads(services),
    controls: createControls(services),
    vault: createVault(services),
    zone: config.zone,
    codesInChat: config.codesInChat,
    clock,
    log,
  };
}
