/** Keeps the lock of a running job: Agenda lets it expire, and lets the handler run on, unless someone touches it. */
import { Stopped } from '../errors.ts';
import type { Log } from '../types.ts';

/** The part of Agenda's job that this needs. */
interface LockedJob {
  attrs: { _id?: string; lockedAt?: Date; progress?: number; data: { plan: string } };
  touch(progress?: number): Promise<void>;
}

export interface LockOptions {
  worker: string;
  /** How long the lock lives, in ms; it is renewed three times in that time. */
  lockFor: number;
  log: Log;
  /** The job as it is in the database, `null` when it was cancelled. */
  stored(id: string): Promise<{ lastModifiedBy?: string } | null>;
  /** Called once when another worker has the job, or when it could not be renewed in time and another one may. */
  lost(reason: Stopped): void;
}

/** Renews the lock until `end`. */
export function keepLock(job: LockedJob, o: LockOptions): { end(): Promise<void> } {
  let renewal: Promise<void> | undefined;
  let over = false;

  const giveUp = (cause?: unknown): void => {
    over = true;
    o.lost(new Stopped('This worker has lost the plan to another one.', { code: 'job_lost', cause }));
  };
  const renew = async (): Promise<void> => {
    try {
      const stored = job.attrs._id === undefined ? null : await o.stored(job.attrs._id);
      // Cancelled meanwhile: what has begun may end.
      if (!stored) return;
      if (stored.lastModifiedBy !== o.worker) giveUp();
      else await job.touch(job.attrs.progress);
    } catch (cause) {
      o.log('warn', 'scheduler.lock_not_renewed', { plan: job.attrs.data.plan, cause });
      if (Date.now() - (job.attrs.lockedAt?.getTime() ?? 0) > o.lockFor) giveUp(cause);
    }
  };
  const timer = setInterval(() => {
    if (over) return;
    renewal ??= renew().finally(() => {
      renewal = undefined;
    });
  }, o.lockFor / 3);

  return {
    // A renewal that arrives after Agenda's last word on the job would lock it again.
    async end() {
      clearInterval(timer);
      await renewal;
    },
  };
}
