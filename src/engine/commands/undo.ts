/** `undo [plan]`: takes back the caller's last change of a plan, within ten minutes and without asking. */
import { hasEnded } from '../backup/report.ts';
import { Conflict, UsageError } from '../errors.ts';
import type { Services } from '../services.ts';
import type { Caller, Plan, Reply } from '../types.ts';
import type { Command } from './command.ts';
import { isWorked, removePlan } from './delete.ts';
import { checkName } from './draft.ts';
import { quote } from './grammar/words.ts';
import { changePlan, newestRun, planOf, visiblePlans } from './plan-of.ts';
import { changedFields, destinationsOf, planData } from './plan-words.ts';
import { choice, choices, good, text } from './reply.ts';
import { type Change, isAsLeft, lastChange, takeChange } from './take-back.ts';
import { momentWords, whoDid } from './who-did.ts';

/** A run ends at its next chunk, a second or two after it was asked; behind this something hangs. */
const LONGEST_STOP = 30_000;

const WHAT: Partial<Record<Change['command'], string>> = {
  create: 'making it',
  edit: 'the change',
  pause: 'the pause',
  resume: 'resuming it',
};

async function changeFor(services: Services, caller: Caller, name: string | undefined): Promise<Change> {
  const plan = name === undefined ? undefined : await planOf(services, caller, name, (known) => `undo ${known}`);
  const change = await lastChange(services, caller, plan?.id);
  const about = plan === undefined ? undefined : quote(plan.name);
  if (change === undefined) {
    throw new UsageError(`There is nothing of yours to undo${plan === undefined ? '' : ` in ${plan.name}`}.`, {
      code: 'nothing_to_undo',
      advice: 'What you create, edit, pause or resume can be taken back for ten minutes.',
      choices: [
        about === undefined ? { label: 'My backups', line: 'list' } : { label: 'Show it', line: `show ${about}` },
      ],
    });
  }
  const now = services.clock.now();
  if (change.until <= now.toISOString()) {
    const { after } = change;
    throw new UsageError(
      `${after.name} was changed ${momentWords(change.at, caller.zone, now)}. That is more than ten minutes ago, so it stays.`,
      {
        code: 'too_late',
        advice: 'You can still change it by saying how it should be.',
        choices: [{ label: 'Show it', line: `show ${quote(after.name)}` }],
      },
    );
  }
  return change;
}

/** Throws what happened to the plan since the change; who did it, where that is known. */
async function refuseChanged(services: Services, caller: Caller, change: Change): Promise<never> {
  const deed = await whoDid(services, caller, change.plan, ['edit', 'pause', 'resume', 'delete', 'share', 'unshare']);
  const when = deed && momentWords(deed.at, caller.zone, services.clock.now());
  const what = deed?.command === 'delete' ? 'deleted' : 'changed';
  throw new Conflict(
    `${change.after.name} was ${what} since${deed ? ` (${deed.name}, ${when})` : ''}, so nothing was undone.`,
    {
      code: 'changed_since',
      advice: 'Look at it, and say how it should be.',
      choices: [{ label: 'My backups', line: 'list' }],
    },
  );
}

/** Ends what is going on and waits for it: a worker writes into the catalog until it has ended. */
async function stopRun(services: Services, caller: Caller, plan: Plan): Promise<void> {
  const run = await services.backup.stop(plan);
  if (!run || hasEnded(run)) return;
  const limit = AbortSignal.timeout(LONGEST_STOP);
  try {
    for await (const state of services.backup.watch(run.id, AbortSignal.any([caller.signal, limit]))) {
      if (hasEnded(state)) break;
    }
  } catch (error) {
    caller.signal.throwIfAborted();
    if (!limit.aborted) throw error;
  }
  if (await isWorked(services, plan)) {
    throw new Conflict(`${plan.name} is still stopping, so it was not undone yet.`, {
      code: 'is_running',
      advice: `In a moment type: undo ${quote(plan.name)}`,
      choices: [{ label: 'Undo again', line: `undo ${quote(plan.name)}` }],
    });
  }
}

async function undoCreate(services: Services, plan: Plan): Promise<Reply> {
  const run = await newestRun(services, plan);
  await removePlan(services, plan);
  return {
    ...good(
      `${plan.name} is gone again`,
      [
        text(
          run
            ? `No more runs. What was copied so far stays in ${destinationsOf(plan)}; nothing there was removed.`
            : 'It had not copied anything.',
        ),
        ...choices(choice('Make it again', plan.line)),
      ],
      { undone: 'create', plan: plan.name, line: plan.line },
    ),
    about: { plan: plan.id },
  };
}

async function undoChange(services: Services, caller: Caller, change: Change, before: Plan): Promise<Reply> {
  if (before.name !== change.after.name) {
    const others = (await visiblePlans(services, caller)).filter(
      (plan) => plan.owner === before.owner && plan.id !== before.id,
    );
    checkName(before.name, others);
  }
  let asLeft = true;
  const stored = await changePlan(services, change.plan, (now) => {
    asLeft = isAsLeft(now, change.after);
    if (!asLeft) return now;
    const { rev: _rev, next: _next, last: _last, ...former } = before;
    const { rev, next, last } = now;
    return {
      ...former,
      ...(rev === undefined ? {} : { rev }),
      ...(next === undefined ? {} : { next }),
      ...(last === undefined ? {} : { last }),
    };
  });
  if (!asLeft) return refuseChanged(services, caller, change);
  const plan = await services.scheduler.schedule(stored);
  const now = services.clock.now();
  const name = quote(plan.name);
  const run = change.command === 'resume' ? await newestRun(services, plan) : undefined;
  return {
    ...good(
      `${plan.name} is as before: ${WHAT[change.command] ?? 'the change'} was taken back`,
      [
        changedFields(change.after, plan, now),
        ...(run && !hasEnded(run) ? [text(`The run that is going on is not touched; to end it: stop ${name}`)] : []),
        ...choices(choice('Show', `show ${name}`), choice('Run now', `run ${name}`)),
      ],
      { undone: change.command, ...planData(plan, caller, now) },
    ),
    about: { plan: plan.id },
  };
}

export const undo: Command<'undo'> = {
  name: 'undo',
  summary: 'Take back your last change, within ten minutes.',
  example: 'undo "Pictures to usb"',
  needs: 'member',
  async *run(args, caller, services) {
    const change = await changeFor(services, caller, args.plan);
    const plan = (await visiblePlans(services, caller)).find(({ id }) => id === change.plan);
    if (plan === undefined || !isAsLeft(plan, change.after)) return refuseChanged(services, caller, change);
    if (change.before === undefined) await stopRun(services, caller, plan);
    if (!(await takeChange(services, caller, change))) {
      throw new Conflict('This was just undone.', { code: 'nothing_to_undo', advice: 'Nothing more was done now.' });
    }
    yield change.before === undefined
      ? await undoCreate(services, plan)
      : await undoChange(services, caller, change, change.before);
  },
};
