/** `snapshots [plan]`: the states that can be restored. */
import { isChat } from '../backup/report-targets.ts';
import type { SnapshotRecord } from '../types.ts';
import { countWords, instantWords, manyWords, sizeWords } from '../wording.ts';
import type { Command } from './command.ts';
import { quote } from './grammar/words.ts';
import { planOf } from './plan-of.ts';
import { choice, choices, menu, plain } from './reply.ts';

const SHOWN = 30;

export const snapshots: Command<'snapshots'> = {
  name: 'snapshots',
  summary: 'Show which states of a backup can be restored.',
  example: 'snapshots "Pictures to usb"',
  needs: 'viewer',
  looks: true,
  async *run(args, caller, services) {
    const plan = await planOf(services, caller, args.plan, (name) => `snapshots ${name}`);
    const name = quote(plan.name);
    const found: SnapshotRecord[] = [];
    for await (const snapshot of services.backup.snapshots(plan)) found.push(snapshot);
    found.sort((a, b) => (a.started < b.started ? 1 : a.started > b.started ? -1 : a.destination - b.destination));
    if (found.length === 0) {
      yield plain(`${plan.name} has no snapshot yet.`, choices(choice('Run it now', `run ${name}`, 'primary')), {
        snapshots: [],
      });
      return;
    }
    // Where a menu is chosen from, nobody types an id.
    const ids = !isChat(caller.surface);
    const several = plan.destinations.length > 1;
    const rest = found.length - SHOWN;
    const states = [...new Map(found.map((snapshot) => [snapshot.run, snapshot])).values()];
    const older = states.length > 1 ? states : [];
    const [newest] = found;
    yield plain(
      `${plan.name}: ${manyWords(found.length, 'snapshot')}`,
      [
        {
          kind: 'table',
          columns: ['When', ...(ids ? ['Snapshot'] : []), ...(several ? ['Where'] : []), 'Files', 'Size', 'Checked'],
          rows: found
            .slice(0, SHOWN)
            .map((snapshot) => [
              { at: snapshot.started },
              ...(ids ? [snapshot.run] : []),
              ...(several ? [plan.destinations[snapshot.destination]?.text ?? ''] : []),
              countWords(snapshot.files),
              sizeWords(snapshot.bytes),
              snapshot.verified
                ? snapshot.verified.bad === 0
                  ? `checked (${snapshot.verified.how}), all good`
                  : `${manyWords(snapshot.verified.bad, 'file')} damaged`
                : 'not checked yet',
            ]),
          ...(rest > 0 ? { more: { rows: rest } } : {}),
        },
        ...choices(
          newest ? choice('Restore the newest', `restore ${name} from ${newest.run}`) : undefined,
          choice('Check the copies', `verify ${name}`),
        ),
        // One snapshot lies at each destination; a restore takes the first that works.
        ...menu(
          'Restore from',
          older.map(({ run, started, files }) =>
            choice(`${instantWords(started, caller.zone)}, ${manyWords(files, 'file')}`, `restore ${name} from ${run}`),
          ),
        ),
      ],
      { plan: plan.name, snapshots: found },
    );
  },
};
