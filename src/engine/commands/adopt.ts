/** `adopt <location>`: makes plans, snapshots and catalog again out of what lies at a destination. */
import { NotFound } from '../errors.ts';
import { openLocalFolder } from '../places.ts';
import type { Adopted } from '../services.ts';
import type { Block } from '../types.ts';
import { countWords, manyWords, sizeWords } from '../wording.ts';
import type { Command } from './command.ts';
import { quote } from './grammar/words.ts';
import { locate } from './locate.ts';
import { planData, routeOf } from './plan-words.ts';
import { choice, choices, good, text } from './reply.ts';

/** More would fill the screen; the log has them all. */
const TOLD = 5;

const leftOut = ({ damaged }: Adopted): Block[] =>
  damaged.length === 0
    ? []
    : [
        text(
          [
            ...damaged.slice(0, TOLD).map(({ message }) => message),
            ...(damaged.length > TOLD ? [`${countWords(damaged.length - TOLD)} more are damaged, too.`] : []),
            'What only such a snapshot recorded cannot be restored from it; the files lie where they are, and the next run looks at each of them.',
          ].join('\n'),
        ),
      ];

/** A newer one that cannot be read: what was taken over may not be the latest. */
const isBehind = ({ damaged, snapshot }: Adopted): boolean => damaged.some(({ run }) => run > snapshot.run);

export const adopt: Command<'adopt'> = {
  name: 'adopt',
  summary: 'Take over the backups that lie at a place.',
  example: 'adopt /mnt/usb',
  needs: 'member',
  async *run(args, caller, services) {
    const location = await locate(services, caller, args.location, 'destination');
    await openLocalFolder(services, caller, location);
    const adopted = await services.backup.adopt(location, caller.person, caller.signal);
    const [first] = adopted;
    if (!first) {
      throw new NotFound(`No backup was found at ${location.text}.`, {
        code: 'nothing_to_adopt',
        advice: 'Name the folder that holds ".keepsake", the one the backup was made to.',
      });
    }
    const plans = await Promise.all(adopted.map(({ plan }) => services.scheduler.schedule(plan)));
    const name = quote(first.plan.name);
    const reply = good(
      `${manyWords(adopted.length, 'backup')} taken over from ${location.text}`,
      [
        {
          kind: 'table',
          columns: ['Name', 'From and to', 'Newest snapshot', 'Files', 'Size'],
          rows: adopted.map(({ plan, snapshot }) => [
            plan.name,
            routeOf(plan),
            { at: snapshot.started },
            countWords(snapshot.files),
            sizeWords(snapshot.bytes),
          ]),
        },
        ...leftOut(first),
        text(
          'Nothing at the place was changed. Files can be restored right away; runs go on as soon as the source is connected.',
        ),
        ...choices(
          choice('Restore', `restore ${name}`, 'primary'),
          choice('Snapshots', `snapshots ${name}`),
          choice('Verify', `verify ${name}`),
        ),
      ],
      {
        adopted: plans.map((plan, i) => ({
          ...planData(plan, caller, services.clock.now()),
          snapshot: adopted[i]?.snapshot,
        })),
        damaged: first.damaged,
      },
    );
    yield adopted.some(isBehind) ? { ...reply, tone: 'bad', outcome: 'partial' } : reply;
  },
};
