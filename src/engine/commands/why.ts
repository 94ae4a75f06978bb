/** `why [<plan>]`: what went wrong in a run, file by file, grouped by what happened, and what mends it. */
import { hasEnded } from '../backup/report.ts';
import type { Services } from '../services.ts';
import type { Block, Caller, Choice, Plan, Problem, Reply, Run } from '../types.ts';
import { countWords, manyWords } from '../wording.ts';
import type { Command } from './command.ts';
import { quote } from './grammar/words.ts';
import { planOf, visiblePlans } from './plan-of.ts';
import { choice, choices, plain, text } from './reply.ts';
import { runData } from './run-words.ts';
import { momentWords } from './who-did.ts';

/** Runs of a plan that are looked through for one with problems. */
const LOOKED_AT = 50;

interface Meant {
  plan: Plan;
  run: Run;
}

const isTroubled = (run: Run): boolean =>
  run.problemCount > 0 || run.state === 'failed' || run.state === 'partial' || run.state === 'waiting';

/** The newest run that ended and the newest with problems. */
async function runsOf({ store }: Services, plan: Plan): Promise<{ newest?: Run; troubled?: Run }> {
  const reversed = { index: 'plan+queued', equals: [plan.id], reverse: true, limit: LOOKED_AT };
  let newest: Run | undefined;
  for await (const run of store.find('runs', reversed)) {
    if (!hasEnded(run)) continue;
    newest ??= run;
    if (isTroubled(run)) return { newest, troubled: run };
  }
  return newest ? { newest } : {};
}

async function plansOf(services: Services, caller: Caller, name: string | undefined): Promise<Plan[]> {
  if (name === undefined && caller.about?.plan === undefined) {
    const plans = await visiblePlans(services, caller);
    if (plans.length > 0) return plans;
  }
  return [await planOf(services, caller, name, (plan) => `why ${plan}`)];
}

const later = (a: Meant | undefined, b: Meant): Meant => (a && a.run.queued >= b.run.queued ? a : b);

/** The run that is answered, else the newest with problems, else the newest. */
async function meant(services: Services, caller: Caller, plans: readonly Plan[]): Promise<Meant | undefined> {
  const { about } = caller;
  const answered = about?.run === undefined ? undefined : await services.store.get('runs', about.run);
  const own = plans.find(({ id }) => id === answered?.plan);
  if (answered && own && hasEnded(answered)) return { plan: own, run: answered };
  let newest: Meant | undefined;
  let troubled: Meant | undefined;
  for (const plan of plans) {
    const found = await runsOf(services, plan);
    if (found.newest) newest = later(newest, { plan, run: found.newest });
    if (found.troubled) troubled = later(troubled, { plan, run: found.troubled });
  }
  return troubled ?? newest;
}

interface Group {
  message: string;
  advice: string;
  at: string[];
}

const groupsOf = (problems: readonly Problem[], plan: Plan): Group[] => {
  const groups = new Map<string, Group>();
  for (const { code, message, advice, path, destination } of problems) {
    const key = JSON.stringify([code, message, advice]);
    const group = groups.get(key) ?? { message, advice: advice.replaceAll('<plan>', quote(plan.name)), at: [] };
    groups.set(key, group);
    const where = [path, destination].filter((part) => part !== undefined).join(' in ');
    if (where !== '') group.at.push(where);
  }
  return [...groups.values()].sort((a, b) => b.at.length - a.at.length);
};

const groupBlocks = ({ message, advice, at }: Group): Block[] => [
  text(at.length > 1 ? `${manyWords(at.length, 'file')}: ${message}` : message),
  ...(at.length === 0
    ? []
    : [{ kind: 'table' as const, columns: ['File'], rows: at.map((where): string[] => [where]) }]),
  ...(advice === '' ? [] : [text(`What to do: ${advice}`)]),
];

/** What mends it, each line once; a run that asks has its own answers. */
function mending({ plan, run }: Meant): Choice[] {
  const name = quote(plan.name);
  const fixes = run.question ? run.question.choices : run.problems.flatMap(({ fix }) => fix ?? []);
  const again = choice('Run again', `run ${name}`, fixes.length === 0 ? 'primary' : undefined);
  const all = [...fixes, ...(run.question ? [] : [again]), choice('Show the report', `report ${name}`)];
  return all.filter((one, at) => all.findIndex(({ line }) => line === one.line) === at).slice(0, 8);
}

const when = ({ run }: Meant, caller: Caller, now: Date): string =>
  momentWords(run.started ?? run.queued, caller.zone, now);

function nothing(one: Meant, caller: Caller, now: Date): Reply {
  const { plan, run } = one;
  return plain(
    `Nothing failed in ${plan.name}.`,
    [
      text(`The run ${when(one, caller, now)}: ${run.verdict ?? 'it went well.'}`),
      ...choices(choice('Show the report', `report ${quote(plan.name)}`), choice('Am I safe?', 'status')),
    ],
    runData(run),
  );
}

function told(one: Meant, caller: Caller, now: Date): Reply {
  const { plan, run } = one;
  const left = run.problemCount - run.problems.length;
  const said = run.question?.text ?? run.verdict;
  const many =
    run.problemCount > 1 ? `${countWords(run.problemCount)} problems` : run.problemCount === 1 ? 'one problem' : '';
  return {
    tone: 'bad',
    title: `${plan.name}, the run ${when(one, caller, now)}${many === '' ? '' : `: ${many}`}`,
    blocks: [
      ...(said === undefined ? [] : [text(said)]),
      ...groupsOf(run.problems, plan).flatMap(groupBlocks),
      ...(left > 0
        ? [text(`${manyWords(left, 'more problem')} like these were counted, but not kept one by one.`)]
        : []),
      ...choices(...mending(one)),
    ],
    data: runData(run),
  };
}

export const why: Command<'why'> = {
  name: 'why',
  summary: 'Tell what went wrong, and what to do about it.',
  example: 'why "Pictures to usb"',
  needs: 'viewer',
  looks: true,
  async *run(args, caller, services) {
    const plans = await plansOf(services, caller, args.plan);
    const one = await meant(services, caller, plans);
    const now = services.clock.now();
    if (!one) {
      const [plan] = plans;
      const run = plans.length === 1 && plan ? choice('Run now', `run ${quote(plan.name)}`) : undefined;
      yield plain('No run has ended yet, so nothing has failed.', choices(run, choice('My backups', 'list')));
      return;
    }
    const reply = isTroubled(one.run) ? told(one, caller, now) : nothing(one, caller, now);
    yield { ...reply, about: { plan: one.plan.id, run: one.run.id } };
  },
};
