/** `stop <plan>`: ends the run that is going on; what is copied stays. */

import type { Services } from '../services.ts';
import type { Caller, Plan, Reply } from '../types.ts';
import type { Command } from './command.ts';
import { quote } from './grammar/words.ts';
import { newestRun, planOf } from './plan-of.ts';
import { choice, choices, good, plain, text } from './reply.ts';
import { runData } from './run-words.ts';
import { deedWords, momentWords, whoDid } from './who-did.ts';

/** How and when the last run ended, and who ended it. */
async function notRunning(services: Services, caller: Caller, plan: Plan): Promise<Reply> {
  const run = await newestRun(services, plan);
  const now = services.clock.now();
  const deed = run?.state === 'stopped' ? await whoDid(services, caller, plan.id, ['stop']) : undefined;
  // A stop of an earlier run says nothing of this one.
  const by = deed && run && deed.at >= run.queued ? `${deedWords(deed, 'stopped it', caller.zone, now)}.` : undefined;
  const ended =
    run?.ended && `The last run ended ${momentWords(run.ended, caller.zone, now)}. ${run.verdict ?? ''}`.trim();
  const name = quote(plan.name);
  return plain(
    `${plan.name} is not running.`,
    [
      ...[by, ended].filter((words) => words !== undefined).map(text),
      ...choices(
        choice('Run now', `run ${name}`),
        choice('Pause', `pause ${name}`),
        // To a mail, "stop" is also what ends newsletters.
        caller.surface === 'mail' ? choice('No more mails', `stop reports of ${name}`) : undefined,
      ),
    ],
    { unchanged: true, ...(run ? runData(run) : {}) },
  );
}

export const stop: Command<'stop'> = {
  name: 'stop',
  summary: 'Stop a run that is going on.',
  example: 'stop "Pictures to usb"',
  needs: 'member',
  async *run(args, caller, services) {
    const plan = await planOf(services, caller, args.plan, (name) => `stop ${name}`);
    const name = quote(plan.name);
    const run = await services.backup.stop(plan);
    if (!run) {
      yield await notRunning(services, caller, plan);
      return;
    }
    yield {
      ...good(
        `${plan.name} is stopping`,
        [
          text('It ends at the next chunk. What is copied stays, and the next run goes on from there.'),
          ...choices(choice('Run again', `run ${name}`), choice('Pause it', `pause ${name}`)),
        ],
        runData(run),
      ),
      live: `stop:${run.id}`,
    };
  },
};
