/**
 * `restore <plan> [files] [from ...] [to ...] [keep both|replace|skip]`: shows first what would be written, then writes.
 * Nothing that exists is overwritten unless the person said `replace`.
 */
import { openLocalFolder } from '../places.ts';
import type { RestorePreview, RestoreRequest, RestoreResult, Services } from '../services.ts';
import type { Caller, Location, Plan, Reply } from '../types.ts';
import { countWords, manyWords, sizeWords } from '../wording.ts';
import type { Command, CommandArgs, LocationText } from './command.ts';
import { restoreForm } from './forms.ts';
import { locationText } from './grammar/locations.ts';
import { quote, quoteFile } from './grammar/words.ts';
import { locate } from './locate.ts';
import { planOf } from './plan-of.ts';
import { choice, choices, fields, plain, text } from './reply.ts';

type Args = CommandArgs['restore'];

const toText = (to: LocationText): string => quote(locationText(to));
const fromText = (from: NonNullable<Args['from']>): string => ('snapshot' in from ? from.snapshot : from.at);

/** The same wish as one line, so that a button says just what the person would type. */
function lineFor(plan: Plan, args: Args, existing: 'keep both' | 'replace' | 'skip'): string {
  const parts = ['restore', quote(plan.name), ...args.files.map(quoteFile)];
  if (args.from) parts.push('from', fromText(args.from));
  if (args.to) parts.push('to', toText(args.to));
  return [...parts, existing].join(' ');
}

const what = (preview: RestorePreview): string => `${manyWords(preview.files, 'file')}, ${sizeWords(preview.bytes)}`;

function previewReply(plan: Plan, args: Args, preview: RestorePreview): Reply {
  const offers =
    preview.same === preview.files
      ? []
      : preview.existing === 0
        ? [choice(`Restore ${manyWords(preview.files - preview.same, 'file')}`, lineFor(plan, args, 'skip'), 'primary')]
        : [
            choice('Keep both', lineFor(plan, args, 'keep both'), 'primary'),
            choice(preview.existing === 1 ? 'Leave it alone' : 'Leave those alone', lineFor(plan, args, 'skip')),
            choice(preview.existing === 1 ? 'Replace it' : 'Replace them', lineFor(plan, args, 'replace'), 'danger'),
          ];
  const rest = preview.files - preview.samples.length;
  return plain(
    `Restore of ${plan.name}: ${what(preview)}${preview.same === preview.files ? ', all there already' : ''}`,
    [
      fields({
        'As of': { at: preview.snapshot.started },
        To: preview.to.text,
        'Already there, the same': preview.same > 0 ? countWords(preview.same) : undefined,
        'Already there, different': preview.existing > 0 ? countWords(preview.existing) : undefined,
      }),
      ...(preview.samples.length > 0 && preview.same < preview.files
        ? [text(`${preview.samples.join('\n')}${rest > 0 ? `\n… and ${countWords(rest)} more` : ''}`)]
        : []),
      text(
        preview.same === preview.files
          ? `${preview.files === 1 ? 'The file is' : 'All of them are'} already there as in the backup: there is nothing to restore. For a second copy name another folder, for example \`restore ${quote(plan.name)} to ~/Restored\`.`
          : preview.existing === 0
            ? 'Nothing that is there would be overwritten. Nothing is written yet.'
            : `Nothing is written yet. What should happen with ${preview.existing === 1 ? 'the file' : `the ${countWords(preview.existing)} files`} of the same name?`,
      ),
      ...choices(...offers),
      restoreForm(plan, {
        files: args.files,
        ...(args.from ? { from: fromText(args.from) } : {}),
        ...(args.to ? { to: toText(args.to) } : {}),
      }),
    ],
    { plan: plan.name, done: false, ...preview },
  );
}

function resultReply(plan: Plan, result: RestoreResult, live: string): Reply {
  const bad = result.failed.length;
  const outcome = bad === 0 ? 'done' : result.restored === 0 ? 'failed' : 'partial';
  return {
    tone: bad === 0 ? 'good' : 'bad',
    title:
      bad === 0
        ? result.restored === 0
          ? `${plan.name}: nothing was written, ${result.skipped === 1 ? 'the file is' : 'all files are'} already there`
          : `${plan.name}: ${manyWords(result.restored, 'file')} restored, each checked`
        : `${plan.name}: ${countWords(result.restored)} of ${manyWords(result.files, 'file')} restored`,
    blocks: [
      fields({
        'As of': { at: result.snapshot.started },
        To: result.to.text,
        Skipped: result.skipped > 0 ? countWords(result.skipped) : undefined,
      }),
      ...(bad === 0
        ? []
        : [
            {
              kind: 'table' as const,
              columns: ['File', 'What happened'],
              rows: result.failed.slice(0, 20).map((failure) => [failure.path, failure.message]),
              ...(bad > 20 ? { more: { rows: bad - 20 } } : {}),
            },
          ]),
      ...choices(
        bad === 0 ? undefined : choice('Check the copies', `verify ${quote(plan.name)} full`, 'primary'),
        choice('Other snapshots', `snapshots ${quote(plan.name)}`),
      ),
    ],
    live,
    data: { plan: plan.name, done: true, ...result },
    outcome,
  };
}

async function* write(services: Services, caller: Caller, request: RestoreRequest): AsyncIterable<Reply> {
  const { plan } = request;
  const live = `restore:${plan.id}:${services.clock.now().getTime()}`;
  for await (const step of services.backup.restore(request, caller.signal)) {
    if ('result' in step) {
      yield resultReply(plan, step.result, live);
    } else if (step.progress) {
      yield {
        tone: 'busy',
        title: `${plan.name}: ${manyWords(step.progress.files, 'file')} restored so far`,
        blocks: [{ kind: 'progress', progress: step.progress }],
        live,
      };
    }
  }
}

async function target(services: Services, caller: Caller, args: Args): Promise<Location | undefined> {
  if (!args.to) return undefined;
  const to = await locate(services, caller, args.to, 'destination');
  await openLocalFolder(services, caller, to);
  return to;
}

export const restore: Command<'restore'> = {
  name: 'restore',
  summary: 'Bring files back. Shows first what it would do.',
  example: 'restore "Pictures to usb" *.heic to ~/Restored',
  needs: 'member',
  async *run(args, caller, services) {
    const plan = await planOf(services, caller, args.plan, (name) =>
      ['restore', name, ...args.files.map(quoteFile)].join(' '),
    );
    const to = await target(services, caller, args);
    // Said with "yes" alone, the way that loses nothing.
    const existing = args.existing ?? (caller.confirmed ? 'keep_both' : 'ask');
    const request: RestoreRequest = {
      plan,
      files: args.files,
      ...(args.from === undefined ? {} : { from: args.from }),
      ...(to === undefined ? {} : { to }),
      existing,
    };
    if (existing !== 'ask') {
      yield* write(services, caller, request);
      return;
    }
    const preview = await services.backup.previewRestore(request, caller.signal);
    yield previewReply(plan, args, preview);
  },
};
