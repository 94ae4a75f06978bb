/** `history [plan]`: the last runs and what went wrong in them. */
import type { Run } from '../types.ts';
import { countWords, manyWords, sizeWords } from '../wording.ts';
import type { Command } from './command.ts';
import { quote } from './grammar/words.ts';
import { planOf, visiblePlans } from './plan-of.ts';
import { choice, choices, plain, text } from './reply.ts';
import { runData } from './run-words.ts';

const SHOWN = 20;

export const history: Command<'history'> = {
  name: 'history',
  summary: 'Show the last runs.',
  example: 'history "Pictures to usb"',
  needs: 'viewer',
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
          columns: ['When', 'Backup', 'Result', 'Copied', 'Problems'],
          rows: shown.map((run) => [
            { at: run.started ?? run.queued },
            names.get(run.plan) ?? '',
            run.state,
            run.counts
              ? `${manyWords(run.counts.new + run.counts.changed, 'file')}, ${sizeWords(run.counts.copied)}`
              : '–',
            run.problemCount > 0 ? countWords(run.problemCount) : '',
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
