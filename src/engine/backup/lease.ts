/** One worker per plan: the lease in the store is the truth, whoever loses it stops. */
import { hostname } from 'node:os';
import { Conflict, Stopped } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { Clock, Lease, Log } from '../types.ts';

/** Long enough to survive a slow disk or a pause of the process, short enough that a dead worker is replaced soon. */
const TERM = 60_000;
const RENEW = 15_000;

export interface HeldLease {
  /** Aborts with `Stopped` when the lease is lost. */
  signal: AbortSignal;
  release(): Promise<void>;
}

/** `host/pid/random`: a holder on this machine whose process is gone needs no waiting. */
export const holderName = (random: string): string => `${hostname()}/${process.pid}/${random}`;

function isDead(holder: string): boolean {
  const [host, pid] = holder.split('/');
  if (host !== hostname() || !pid) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as { code?: string }).code === 'ESRCH';
  }
}

/** True while a living worker holds it, as far as can be told. */
export const isHeld = (lease: Lease | undefined, now: Date): boolean =>
  lease !== undefined && lease.until > now.toISOString() && !isDead(lease.holder);

/** `Conflict` (code `already_running`) while another worker holds it. */
export async function acquireLease(
  o: { store: Store; clock: Clock; log: Log },
  id: string,
  holder: string,
): Promise<HeldLease> {
  const until = () => new Date(o.clock.now().getTime() + TERM).toISOString();
  const existing = await o.store.get('leases', id);
  if (existing && isHeld(existing, o.clock.now())) {
    throw new Conflict('This plan is being worked on already.', {
      code: 'already_running',
      advice: 'Watch it with `status`, or end it with `stop`.',
    });
  }
  let held = await o.store.put('leases', {
    id,
    holder,
    until: until(),
    ...(existing?.rev !== undefined && { rev: existing.rev }),
  });
  const lost = new AbortController();
  const done = new AbortController();

  const renew = async () => {
    for (;;) {
      await o.clock.sleep(RENEW, done.signal);
      try {
        held = await o.store.put('leases', { ...held, until: until() });
      } catch (error) {
        const current = await o.store.get('leases', id).catch(() => undefined);
        const gone = error instanceof Conflict || (current !== undefined && current.holder !== holder);
        if (gone || held.until <= o.clock.now().toISOString()) {
          o.log('warn', 'lease_lost', { id });
          lost.abort(new Stopped('Another worker took this run over.', { code: 'lease_lost', cause: error }));
          return;
        }
      }
    }
  };
  const renewing = renew().catch((error: unknown) => {
    if (!done.signal.aborted) lost.abort(error);
  });

  return {
    signal: lost.signal,
    async release() {
      done.abort(new Stopped('The lease was given back.'));
      await renewing;
      if (!lost.signal.aborted) await o.store.remove('leases', id, held.rev);
    },
  };
}
