/** `history [plan]`: the last runs and what went wrong in them. */
import type { Run } from '../types.ts';
import { manyWords, sizeWords } from '../wording.ts';
import type { Command } from './command.ts';
import { quote } from './grammar/words.ts';
import { planOf, visiblePlans } from './plan-of.ts';
import { choice, choices, plain, text } from './reply.ts';
import { runData, stateWords } from './run-words.ts';

const SHOWN = 20;

const copiedCell = ({ counts }: Run): string => {
  if (!counts) return '–';
  const files = counts.new + counts.changed;
  return files === 0 ? 'nothing new' : `${manyWords(files, 'file')}, ${sizeWords(counts.copied)}`;
};

export const history: Command<'history'> = {
  name: 'history',
  summary: 'Show the last runs.',
  example: 'history "Pictures to usb"',
  needs: 'viewer',
  looks: true,
  async *run(args, caller, services) {
    const plans =
      args.plan === undefined && caller.about?.plan === undefined
        ? await visiblePlans(services, caller)
        : [await planOf(services, caller, args.plan, (name) => `history ${name}`)];
    const names = new Map(plans.map((plan) => [plan.id, plan.name]));
    const runs: Run[] = [];
    for (const plan of plans) {
      const newest = { index: 'plan+queued', equals: [plan.id], reverse: true, limit: SHOWN };
      for await (const run of services.store.find('runs', newest)) runs.push(run);
    }
    runs.sort((a, b) => (a.queued < b.queued ? 1 : -1));
    const shown = runs.slice(0, SHOWN);
    const [one] = plans;
    const name = plans.length === 1 && one ? one.name : undefined;
    if (shown.length === 0) {
      yield plain(
        'No run yet.',
        choices(name === undefined ? choice('Show my backups', 'list') : choice('Run now', `run ${quote(name)}`)),
        { runs: [] },
      );
      return;
    }
    const troubled = shown.find((run) => run.problems.length > 0);
    yield plain(
      name === undefined ? 'The last runs' : `The last runs of ${name}`,
      [
        {
          kind: 'table',
          columns: ['When', ...(name === undefined ? ['Backup'] : []), 'Result', 'Copied'],
          rows: shown.map((run) => [
            { at: run.started ?? run.queued },
            ...(name === undefined ? [names.get(run.plan) ?? ''] : []),
            [stateWords(run.state), ...(run.problemCount > 0 ? [manyWords(run.problemCount, 'problem')] : [])].join(
              ', ',
            ),
            copiedCell(run),
          ]),
        },
        ...(troubled
          ? [
              text(`What went wrong most recently (${names.get(troubled.plan) ?? ''}):`),
              ...troubled.problems
                .slice(0, 5)
                .map((problem) =>
                  text(`${problem.path ?? problem.destination ?? 'The run'}: ${problem.message} ${problem.advice}`),
                ),
            ]
          : []),
        ...choices(
          name === undefined ? undefined : choice('Run again', `run ${quote(name)}`),
          choice('Am I safe?', 'status'),
        ),
      ],
      { runs: shown.map((run) => ({ ...runData(run), name: names.get(run.plan) })) },
    );
  },
};
