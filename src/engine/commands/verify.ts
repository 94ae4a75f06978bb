/** `verify <plan> [quick|sample|full]`: reads copies back and compares them with what was promised. */
import type { VerifyResult } from '../services.ts';
import type { Plan, Reply } from '../types.ts';
import { countWords, manyWords, sizeWords } from '../wording.ts';
import type { Command } from './command.ts';
import { quote } from './grammar/words.ts';
import { planOf } from './plan-of.ts';
import { choice, choices, text } from './reply.ts';

const HOW: Record<VerifyResult['how'], string> = {
  quick: 'by name and size, as the destination lists them',
  sample: 'a sample was read back and compared byte for byte',
  full: 'every file was read back and compared byte for byte',
};

function result(plan: Plan, found: VerifyResult, live: string): Reply {
  const bad = found.bad.length;
  const name = quote(plan.name);
  return {
    tone: bad === 0 ? 'good' : 'bad',
    title:
      bad === 0
        ? `${plan.name}: ${manyWords(found.files, 'file')} checked, all good`
        : `${plan.name}: ${countWords(bad)} of ${manyWords(found.files, 'file')} are not as they should be`,
    blocks: [
      text(`${sizeWords(found.bytes)}; ${HOW[found.how]}.`),
      ...(bad === 0
        ? []
        : [
            {
              kind: 'table' as const,
              columns: ['File', 'What is wrong'],
              rows: found.bad.slice(0, 20).map((file) => [file.path, file.what]),
              ...(bad > 20 ? { more: { rows: bad - 20 } } : {}),
            },
            text('The next run copies these again, as long as the source still has them.'),
          ]),
      ...choices(
        bad > 0 ? choice('Run now', `run ${name}`, 'primary') : undefined,
        found.how === 'full' ? undefined : choice('Check every byte', `verify ${name} full`),
        choice('Restore files', `restore ${name}`),
      ),
    ],
    live,
    data: { plan: plan.name, ...found },
    outcome: bad === 0 ? 'done' : 'partial',
  };
}

export const verify: Command<'verify'> = {
  name: 'verify',
  summary: 'Check that the copies are what they should be.',
  example: 'verify "Pictures to usb" full',
  needs: 'member',
  async *run(args, caller, services) {
    const plan = await planOf(services, caller, args.plan, (name) => `verify ${name}`);
    const live = `verify:${plan.id}:${services.clock.now().getTime()}`;
    for await (const step of services.backup.verify(plan, args.how ?? 'sample', caller.signal)) {
      if ('result' in step) {
        yield result(plan, step.result, live);
      } else if (step.progress) {
        yield {
          tone: 'busy',
          title: `${plan.name}: ${manyWords(step.progress.files, 'file')} checked so far`,
          blocks: [{ kind: 'progress', progress: step.progress }],
          live,
        };
      }
    }
  },
};
