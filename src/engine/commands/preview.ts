/** `preview`: a dry run. What would be copied and why, whether it fits, how long it takes; nothing is changed. */
import type { Preview } from '../services.ts';
import type { Block, Plan, Why } from '../types.ts';
import { durationWords, manyWords, sizeWords } from '../wording.ts';
import type { Command } from './command.ts';
import { checkPlaces, draftPlan } from './draft.ts';
import { quote } from './grammar/words.ts';
import { planOf } from './plan-of.ts';
import { routeOf, scheduleWords } from './plan-words.ts';
import { choice, choices, plain, text } from './reply.ts';

const WHY: Record<Why, string> = {
  new: 'new, to be copied',
  changed: 'changed, to be copied; the earlier version is kept',
  same: 'already safe',
  vanished: 'no longer at the source; the copy is kept as a version',
  filtered: 'left out by your filter; the copy stays as it is',
  missing_at_destination: 'missing at the destination, to be copied again',
  unverifiable: 'cannot be compared, to be copied again',
};

const capital = (words: string): string => words.slice(0, 1).toUpperCase() + words.slice(1);

const isWhy = (name: string): name is Why => name in WHY;

function reasons(preview: Preview): Block {
  const rows = Object.entries(preview.why).flatMap(([name, why]) => {
    if (!isWhy(name) || !why || why.files === 0) return [];
    return [
      [capital(WHY[name]), manyWords(why.files, 'file'), sizeWords(why.bytes), why.samples.slice(0, 3).join(', ')],
    ];
  });
  return { kind: 'table', columns: ['What happens', 'Files', 'Size', 'For example'], rows };
}

const fitWords = ({ destination, free, fits }: Preview['fits'][number]): string => {
  if (free === undefined) return `${destination} does not tell how much room it has.`;
  if (fits === false) return `It does not fit: ${destination} has ${sizeWords(free)} free.`;
  return `It fits: ${sizeWords(free)} free at ${destination}.`;
};

export const preview: Command<'preview'> = {
  name: 'preview',
  summary: 'Show what a run would do, without doing it.',
  example: 'preview ~/Pictures to /mnt/usb',
  needs: 'viewer',
  looks: true,
  async *run(args, caller, services) {
    const plan: Plan = args.draft
      ? await draftPlan(services, caller, args.draft)
      : await planOf(services, caller, args.plan, (name) => `preview ${name}`);
    if (args.draft) await checkPlaces(services, plan, caller.signal);
    const result = await services.backup.preview(plan, caller.signal);
    const copies = (['new', 'changed', 'missing_at_destination', 'unverifiable'] as const).map(
      (why) => result.why[why],
    );
    const files = copies.reduce((sum, why) => sum + (why?.files ?? 0), 0);
    const bytes = copies.reduce((sum, why) => sum + (why?.bytes ?? 0), 0);
    const name = quote(plan.name);
    const fits = result.fits.every((place) => place.fits !== false);
    yield {
      ...plain(
        files === 0
          ? `${plan.name}: nothing to copy, all ${manyWords(result.counts.files, 'file')} are safe`
          : `${plan.name}: ${manyWords(files, 'file')}, ${sizeWords(bytes)} to copy`,
        [
          text(`${routeOf(plan)}. ${scheduleWords(plan.schedule, services.clock.now(), name)}`),
          reasons(result),
          text(
            [
              ...(files === 0 ? [] : result.fits.map(fitWords)),
              ...(result.time === undefined || files === 0 ? [] : [`About ${durationWords(result.time)}.`]),
              'Nothing was changed.',
            ].join(' '),
          ),
          ...choices(
            args.draft
              ? choice('Set it up', args.draft.line, 'primary')
              : choice('Run it now', `run ${name}`, 'primary'),
          ),
        ],
        { plan: plan.name, files, bytes, ...result },
      ),
      tone: fits ? 'plain' : 'bad',
    };
  },
};
