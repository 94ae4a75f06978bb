/** `show <plan>`: everything about one backup. */
import { hasEnded } from '../backup/report.ts';
import type { Command } from './command.ts';
import { planForms } from './form-for.ts';
import { quote } from './grammar/words.ts';
import { lastWords } from './list.ts';
import { newestRun, planOf } from './plan-of.ts';
import { planData, planFields, sharedLine } from './plan-words.ts';
import { choice, choices, menu, plain, text } from './reply.ts';
import { progressWords, runData } from './run-words.ts';
import { sharedWords } from './share.ts';

export const show: Command<'show'> = {
  name: 'show',
  summary: 'Show one backup: places, schedule, filter, last run.',
  example: 'show "Pictures to usb"',
  needs: 'viewer',
  looks: true,
  async *run(args, caller, services) {
    const plan = await planOf(services, caller, args.plan, (name) => `show ${name}`);
    const now = services.clock.now();
    const name = quote(plan.name);
    const run = await newestRun(services, plan);
    const asked = run?.state === 'waiting' ? run.question : undefined;
    yield plain(
      plan.name,
      [
        planFields(plan, now, {
          'Last run': plan.last ? { at: plan.last.ended } : undefined,
          Result: lastWords(plan),
          'Shared with':
            plan.conversation === undefined ? undefined : sharedWords(plan.conversation, caller.conversation),
        }),
        ...(run && !hasEnded(run) ? [text(progressWords(plan, run))] : []),
        ...(asked ? [text(asked.text)] : []),
        ...choices(
          ...(asked?.choices ?? []).filter((one) => one.line.endsWith(' anyway')),
          choice('Run now', `run ${name}`, asked ? undefined : 'primary'),
          choice('Restore files', `restore ${name}`),
          plan.state === 'paused' ? choice('Resume', `resume ${name}`) : choice('Pause', `pause ${name}`),
        ),
        ...planForms(caller, plan),
        ...menu('More', [
          choice('Snapshots', `snapshots ${name}`),
          choice('History', `history ${name}`),
          choice('Check the copies', `verify ${name}`),
          choice('What would a run do?', `preview ${name}`),
          choice('Delete', `delete ${name}`),
        ]),
        sharedLine(plan),
      ],
      { ...planData(plan, caller, now), run: run && runData(run) },
    );
  },
};
