/** What is said when a line misses: the plan is deleted or somebody else's, or the button is from before something else happened. */
import { hasEnded } from '../backup/report.ts';
import type { Services } from '../services.ts';
import type { Caller, Choice, Plan, Reply, Run } from '../types.ts';
import { type CommandName, maySee, type ParsedCommand } from './command.ts';
import { keyOf, quote } from './grammar/words.ts';
import { newestRun, visiblePlans } from './plan-of.ts';
import { choice, choices, plain, text } from './reply.ts';
import { progressWords } from './run-words.ts';
import { type Stale, staleness } from './stale.ts';
import { deedWords, mentions, momentWords, whoDeleted, whoDid } from './who-did.ts';

/** Codes of what could not be understood or found because the plan is not there. */
const NOT_THERE: ReadonlySet<string> = new Set(['unknown_plan', 'no_plans', 'no_such_plan', 'which_plan']);

/** Who deleted the plan that a line is about, in place of "there is no such plan"; undefined where nobody did. */
export async function goneReply(
  services: Services,
  caller: Caller,
  line: string,
  code: string | undefined,
): Promise<Reply | undefined> {
  if (code === undefined || !NOT_THERE.has(code)) return undefined;
  const about = caller.about?.plan;
  const deed = await whoDeleted(services, caller, { line, ...(about === undefined ? {} : { about }) });
  if (deed === undefined) return undefined;
  const what = deed.command === 'undo' ? `took back the making of ${deed.plan}` : `deleted ${deed.plan}`;
  return {
    ...plain(
      `${deedWords(deed, what, caller.zone, services.clock.now())}.`,
      [
        text('Nothing was done now. The copied files are where they were: `adopt` with their place brings it back.'),
        ...choices(choice('My backups', 'list'), choice('How to bring it back', 'help adopt')),
      ],
      { unchanged: true, deleted: deed.plan, at: deed.at },
    ),
    onlyForCaller: true,
  };
}

/** A line without a name, below a message about a plan that is gone: it must not fall on the only plan that is left. */
export async function goneAbout(
  services: Services,
  caller: Caller,
  line: string,
  { args }: ParsedCommand,
): Promise<Reply | undefined> {
  const about = caller.about?.plan;
  if (about === undefined || !('plan' in args) || args.plan === undefined || mentions(line, args.plan))
    return undefined;
  if ((await visiblePlans(services, caller)).some((plan) => plan.id === about)) return undefined;
  return goneReply(services, caller, line, 'unknown_plan');
}

/** Commands of one plan, named or meant by what is answered. */
const OF_A_PLAN: ReadonlySet<CommandName> = new Set<CommandName>([
  'run',
  'stop',
  'pause',
  'resume',
  'edit',
  'delete',
  'show',
  'restore',
  'verify',
  'snapshots',
  'history',
  'find',
  'preview',
  'share',
  'unshare',
  'undo',
  'report',
  'why',
  'reports',
]);

/**
 * A button below somebody else's card in a channel, or a word that answers it: it must not fall on a backup of the caller's
 * own that has the same name, or is their only one.
 */
export async function foreignAbout(
  services: Services,
  caller: Caller,
  line: string,
  { name, args }: ParsedCommand,
): Promise<Reply | undefined> {
  const about = caller.about?.plan;
  if (about === undefined || !OF_A_PLAN.has(name)) return undefined;
  const plan = await services.store.get('plans', about);
  if (plan === undefined || maySee(caller.person, plan)) return undefined;
  const named = 'plan' in args && args.plan !== undefined && mentions(line, args.plan) ? args.plan : undefined;
  if (named !== undefined && caller.pressed === undefined && keyOf(named) !== keyOf(plan.name)) return undefined;
  return {
    ...plain('That is not about a backup of yours.', [
      text('Nothing was done. Only its owner can do that with it.'),
      ...choices(choice('My backups', 'list')),
    ]),
    onlyForCaller: true,
    outcome: 'refused',
  };
}

const WORDS: Record<Stale, { title(name: string): string; label: string }> = {
  ran: { title: (name) => `${name} ran since this button was shown.`, label: 'Do it all the same' },
  runs: { title: (name) => `The run of this button has ended; ${name} is at another one now.`, label: 'Stop that one' },
  edited: { title: (name) => `${name} was changed since this button was shown.`, label: 'Change it all the same' },
};

const runText = (plan: Plan, run: Run, { zone }: Caller, now: Date): string =>
  hasEnded(run)
    ? `It began ${momentWords(run.started ?? run.queued, zone, now)}. ${run.question?.text ?? run.verdict ?? ''}`.trim()
    : progressWords(plan, run);

/** Asks again, with the same line on a fresh button, where a button no longer means what it did (`stale.ts`). */
export async function staleReply(
  services: Services,
  caller: Caller,
  line: string,
  command: ParsedCommand,
  plan: Plan,
): Promise<Reply | undefined> {
  if (caller.pressed === undefined) return undefined;
  const run = await newestRun(services, plan);
  const deed = command.name === 'edit' ? await whoDid(services, caller, plan.id, ['edit']) : undefined;
  const edited = deed?.name === 'You' ? undefined : deed?.at;
  const shownRun = caller.about?.run;
  const stale = staleness(
    command,
    { at: caller.pressed, ...(shownRun === undefined ? {} : { run: shownRun }) },
    { ...(run === undefined ? {} : { run }), ...(edited === undefined ? {} : { edited }) },
  );
  if (stale === undefined) return undefined;
  const now = services.clock.now();
  const { title, label } = WORDS[stale];
  const since =
    stale === 'edited' && deed
      ? `${deedWords(deed, 'changed it', caller.zone, now)}.`
      : run && runText(plan, run, caller, now);
  // A newer question has answers of its own, which say the same line.
  const fresh: Choice[] = run?.question && stale === 'ran' ? run.question.choices : [choice(label, line, 'primary')];
  return {
    ...plain(
      title(plan.name),
      [
        ...(since ? [text(since)] : []),
        text('Nothing was done yet.'),
        ...choices(...fresh, choice('Show', `show ${quote(plan.name)}`)),
      ],
      { unchanged: true, stale },
    ),
    onlyForCaller: true,
    about: { plan: plan.id, ...(run === undefined ? {} : { run: run.id }) },
  };
}
