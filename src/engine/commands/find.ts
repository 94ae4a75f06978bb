/** `find <words>`: files in the backups, by name and by what is known about them. */
import type { FoundFile } from '../services.ts';
import { manyWords, sizeWords } from '../wording.ts';
import type { Command } from './command.ts';
import { quote, quoteFile } from './grammar/words.ts';
import { planOf, visiblePlans } from './plan-of.ts';
import { choice, choices, menu, plain, text } from './reply.ts';

const SHOWN = 25;

export const find: Command<'find'> = {
  name: 'find',
  summary: 'Find a file in your backups.',
  example: 'find beach 2024',
  needs: 'viewer',
  looks: true,
  async *run(args, caller, services) {
    const plans =
      args.plan === undefined
        ? await visiblePlans(services, caller)
        : [await planOf(services, caller, args.plan, (name) => `find ${args.words.map(quote).join(' ')} in ${name}`)];
    const files: FoundFile[] = [];
    // One more than is shown tells whether there are more.
    for await (const file of services.backup.find(plans, args.words, SHOWN + 1, caller.signal)) files.push(file);
    const shown = files.slice(0, SHOWN);
    const several = new Set(shown.map((file) => file.plan.id)).size > 1;
    const words = args.words.join(' ');
    const data = shown.map(({ plan, path, size, modified, about }) => ({
      plan: plan.name,
      path,
      size,
      modified,
      about,
    }));
    if (shown.length === 0) {
      yield plain(
        `Nothing found for "${words}".`,
        [
          text('A part of the name is enough, and * stands for anything: find IMG_20*'),
          ...choices(choice('My backups', 'list')),
        ],
        { files: [] },
      );
      return;
    }
    yield plain(
      files.length > SHOWN
        ? `The first ${SHOWN} files for "${words}"`
        : `${manyWords(shown.length, 'file')} for "${words}"${several ? '' : ` in ${shown[0]?.plan.name ?? 'your backups'}`}`,
      [
        {
          kind: 'table',
          columns: ['File', 'Size', 'Modified', ...(several ? ['Backup'] : [])],
          rows: shown.map((file) => [
            file.path,
            sizeWords(file.size),
            file.modified === undefined ? '' : { at: file.modified },
            ...(several ? [file.plan.name] : []),
          ]),
        },
        ...(files.length > SHOWN ? [text('There are more: add a word to narrow it down.')] : []),
        ...menu(
          'Restore one',
          shown.map((file) =>
            choice(
              `Restore ${file.path.split('/').at(-1)}${several ? ` of ${file.plan.name}` : ''}`,
              `restore ${quote(file.plan.name)} ${quoteFile(file.path)}`,
            ),
          ),
        ),
      ],
      { files: data },
    );
  },
};
