/**
 * The working part of a run: takes the steps that `decide` found, copies and retires, and writes the catalog in batches,
 * each line only after its destination confirmed the bytes.
 */
import { AuthRequired, IntegrityError, QuotaExceeded, RetryLater } from '../errors.ts';
import type { Write } from '../store/store.ts';
import type { CatalogLine, Entry, Path } from '../types.ts';
import { folderMaker, foreseen } from './ahead.ts';
import { type Copied, copyFile, type Target } from './copy.ts';
import type { Need, Step } from './decide.ts';
import { describe } from './problem.ts';
import { RETRIES, retrying } from './retry.ts';
import {
  type Destination,
  inGates,
  lineOf,
  moveAway,
  type Prepared,
  prepare,
  put,
  putBack,
  type Side,
  side,
  type TransferContext,
  targetOf,
} from './target.ts';

export interface TransferResult {
  copied: number;
  failed: number;
  /** Steps that changed at least one destination. */
  changed: number;
}

/** So many files in a row that fail for want of an answer mean that the service is gone, not the file. */
const GONE_AFTER = 5;
/** Milliseconds without a single success after which a service counts as gone, however many files still wait. */
const PATIENCE = 90_000;
const BATCH = 500;
const FLUSH_EVERY = 2_000;

interface Silent {
  need: Need;
  error: RetryLater;
}

interface Outcome {
  writes: Write[];
  /** Stored path whose size the destination has not confirmed yet. */
  confirm?: { stored: Path; size: number };
  /** What holds even if the new bytes did not arrive: the older version is away. */
  away?: Write[];
  path: Path;
}

export async function transfer(steps: Iterator<Step>, t: TransferContext): Promise<TransferResult> {
  const result: TransferResult = { copied: 0, failed: 0, changed: 0 };
  const batches = new Map<number, Outcome[]>(t.destinations.map((d) => [d.index, []]));
  let lastFlush = t.clock.now().getTime();
  let flushing: Promise<void> | undefined;

  const fail = (error: unknown, path: Path, destination?: string) => {
    result.failed++;
    t.meter.problem();
    t.problem(describe(error, path, destination));
  };

  const silent = new Map<Side, number>();
  const unanswered = (who: Side, error: unknown) => {
    const count = (silent.get(who) ?? 0) + 1;
    silent.set(who, count);
    if (count >= GONE_AFTER) lose(who, error);
  };

  /** Every failure that may pass, told as it comes: many files wait at once, and each for long. */
  const since = new Map<Side, number>();
  const pushedBack = (who: Side, error: unknown) => {
    who.gate.pushedBack();
    const now = t.clock.now().getTime();
    const first = since.get(who) ?? now;
    since.set(who, first);
    if (now - first > PATIENCE) lose(who, error);
  };

  /** A destination is given up while there are others; the source, or the last destination, ends the run. */
  const lose = (who: Side, error: unknown) => {
    const destination = t.destinations.find((each) => each === who);
    try {
      if (!destination) throw error;
      t.losses.giveUp(destination.index, error);
    } catch (last) {
      t.abort(last);
    }
  };

  const flushOne = async (destination: Destination): Promise<void> => {
    const batch = batches.get(destination.index) ?? [];
    if (batch.length === 0) return;
    batches.set(destination.index, []);
    // Not the run's signal: what was copied is recorded even when the run is being stopped.
    // A slow service has its time, unless someone waits for the end.
    const signal = AbortSignal.timeout(t.signal.aborted ? 60_000 : 600_000);
    const open = batch.filter((outcome) => outcome.confirm);
    const seen = new Map<Path, Entry>();
    const { provider } = destination.open;
    if (open.length > 0) {
      if (!provider.confirm)
        throw new IntegrityError(`${destination.open.location.text} does not confirm what it stored.`);
      for (const entry of await provider.confirm(
        open.map((outcome) => (outcome.confirm as { stored: Path }).stored),
        { signal },
      )) {
        seen.set(entry.path, entry);
      }
    }
    const writes: Write[] = [];
    for (const outcome of batch) {
      const wanted = outcome.confirm;
      const found = wanted && seen.get(wanted.stored);
      if (wanted && found?.size !== wanted.size) {
        fail(
          new IntegrityError(
            found ? `${wanted.size} bytes were sent and ${found.size} are there.` : 'It was sent, and is not there.',
            { code: 'not_confirmed' },
          ),
          outcome.path,
          destination.open.location.text,
        );
        writes.push(...(outcome.away ?? []));
        continue;
      }
      writes.push(...outcome.writes);
    }
    await t.store.commit(writes);
  };

  const flush = async (): Promise<void> => {
    await flushing;
    lastFlush = t.clock.now().getTime();
    flushing = (async () => {
      for (const destination of t.destinations) {
        try {
          await flushOne(destination);
        } catch (error) {
          // What it did not confirm stays unrecorded, and is looked at by the next run.
          lose(destination, error);
        }
      }
    })();
    await flushing;
  };

  const record = async (destination: Destination, outcome: Outcome): Promise<void> => {
    const batch = batches.get(destination.index) as Outcome[];
    batch.push(outcome);
    if (batch.length >= BATCH || t.clock.now().getTime() - lastFlush > FLUSH_EVERY) await flush();
  };

  const destinationOf = (need: Need): Destination =>
    t.destinations.find((d) => d.index === need.destination) as Destination;

  /** Retries what may pass; anything that concerns the whole run aborts it. */
  const attempt = async <T>(sides: readonly Side[], work: () => Promise<T>): Promise<T> => {
    // Only the first side is judged here; what the destinations answer is looked at one by one.
    const [who, ...others] = sides;
    try {
      const value = await retrying(
        () => inGates(sides, work),
        t.clock,
        t.signal,
        (error) => {
          if (who) pushedBack(who, error);
          for (const each of others) each.gate.pushedBack();
        },
      );
      if (who) since.delete(who);
      return value;
    } catch (error) {
      t.signal.throwIfAborted();
      if (who && (error instanceof AuthRequired || error instanceof QuotaExceeded)) lose(who, error);
      if (who && error instanceof RetryLater) unanswered(who, error);
      throw error;
    }
  };

  const retire = async (step: Step, need: Need): Promise<void> => {
    const destination = destinationOf(need);
    const line = need.line as CatalogLine;
    if (!t.losses.isAlive(destination)) return;
    try {
      const retired = await attempt([destination], () => moveAway(t, destination, line));
      await record(destination, { path: step.path, writes: retired });
      result.changed++;
    } catch (error) {
      t.signal.throwIfAborted();
      fail(error, step.path, destination.open.location.text);
    }
  };

  const copy = async (step: Step, entry: Entry): Promise<void> => {
    let needs = step.needs.filter((need) => need.action === 'copy' && t.losses.isAlive(destinationOf(need)));
    if (needs.length === 0) return;
    const prepared = new Map<number, Prepared>();
    const silence = new Map<number, RetryLater>();
    let counted = false;
    for (let round = 0; needs.length > 0 && round < 1 + RETRIES.length; round++) {
      if (round > 0) await t.clock.sleep(RETRIES[round - 1] as number, t.signal);
      const sides = [t.source, ...needs.map(destinationOf)];
      const again: Silent[] = [];
      try {
        await attempt(sides, async () => {
          again.length = 0;
          const targets: Target[] = [];
          const live: { need: Need; ready: Prepared }[] = [];
          for (const need of needs) {
            const destination = destinationOf(need);
            const ready = prepared.get(need.destination) ?? (await prepare(t, destination, entry, need));
            prepared.set(need.destination, ready);
            if (ready.already) {
              await record(destination, {
                path: step.path,
                writes: [...ready.retired, put(lineOf(t, need, entry, ready.stored, ready.already))],
              });
              continue;
            }
            targets.push(targetOf(t, destination, entry, ready));
            live.push({ need, ready });
          }
          if (live.length === 0) return;
          const copied = await copyFile(side(t.source), entry, targets, {
            signal: t.signal,
            onBytes: counted ? () => {} : t.meter.bytes,
          });
          counted = true;
          for (const [i, { need, ready }] of live.entries()) {
            await settle(step, entry, need, ready, copied, i, again);
          }
        });
      } catch (error) {
        t.signal.throwIfAborted();
        for (const need of needs) await putBack(t, destinationOf(need), prepared.get(need.destination));
        fail(error, step.path);
        return;
      }
      needs = again.map(({ need }) => need);
      for (const { need, error } of again) silence.set(need.destination, error);
    }
    for (const need of needs) {
      await putBack(t, destinationOf(need), prepared.get(need.destination));
      const error =
        silence.get(need.destination) ?? new RetryLater(`${destinationOf(need).open.location.text} does not answer.`);
      unanswered(destinationOf(need), error);
      fail(error, step.path, destinationOf(need).open.location.text);
    }
    result.copied += entry.size ?? 0;
    result.changed++;
  };

  const settle = async (
    step: Step,
    entry: Entry,
    need: Need,
    ready: Prepared,
    copied: Copied,
    i: number,
    again: Silent[],
  ) => {
    const destination = destinationOf(need);
    const answer = copied.answers[i];
    if (answer && 'entry' in answer) {
      silent.delete(destination);
      since.delete(destination);
      const line = lineOf(t, need, entry, ready.stored, {
        size: copied.size,
        sha256: copied.sha256,
        ...(answer.entry.id !== ready.stored && { at: answer.entry.id }),
        ...(answer.entry.version !== undefined && { atVersion: answer.entry.version }),
      });
      await record(destination, {
        path: step.path,
        writes: [...ready.retired, put(line)],
        ...(answer.entry.size === undefined && {
          confirm: { stored: ready.stored, size: copied.size },
          away: ready.retired,
        }),
      });
      return;
    }
    const error = answer?.error;
    t.signal.throwIfAborted();
    if (error instanceof AuthRequired || error instanceof QuotaExceeded) {
      await putBack(t, destination, ready);
      lose(destination, error);
      t.signal.throwIfAborted();
      return;
    }
    if (error instanceof RetryLater) {
      pushedBack(destination, error);
      again.push({ need, error });
      return;
    }
    await putBack(t, destination, ready);
    fail(error, step.path, destination.open.location.text);
  };

  const workers = Math.max(1, Math.min(...[t.source, ...t.destinations].map((s) => s.open.traits.parallel)));
  // Twice what is in flight: a folder whose parents are missing too takes several round trips.
  const coming = foreseen(steps, workers * 2, folderMaker(t));

  const work = async (): Promise<void> => {
    for (;;) {
      t.signal.throwIfAborted();
      const next = coming.next();
      if (next.done) return;
      const step = next.value;
      if (step.entry) await copy(step, step.entry);
      else for (const need of step.needs) if (need.action === 'retire') await retire(step, need);
      t.meter.file(step.path);
    }
  };

  const settled = await Promise.allSettled(
    Array.from({ length: workers }, async () => {
      try {
        await work();
      } catch (error) {
        t.abort(error);
        throw error;
      }
    }),
  );
  await flush();
  const failure = settled.find((outcome) => outcome.status === 'rejected');
  if (failure) throw t.signal.aborted ? t.signal.reason : failure.reason;
  return result;
}
