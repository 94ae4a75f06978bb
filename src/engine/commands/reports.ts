/** `stop reports`, `send reports`: whether the reports of a backup, or of all, are mailed to their owner. */
import { isChat } from '../backup/report-targets.ts';
import { NotFound } from '../errors.ts';
import type { Services } from '../services.ts';
import type { Caller, Plan, Reply } from '../types.ts';
import { manyWords } from '../wording.ts';
import type { Command } from './command.ts';
import { quote } from './grammar/words.ts';
import { mailsOf } from './mail.ts';
import { surfaceWords } from './person-of.ts';
import { changePlan, planOf, visiblePlans } from './plan-of.ts';
import { choice, choices, good, plain, text } from './reply.ts';

async function meant(services: Services, caller: Caller, name: string | undefined): Promise<Plan[]> {
  if (name !== undefined) return [await planOf(services, caller, name, (plan) => `stop reports of ${plan}`)];
  const own = (await visiblePlans(services, caller)).filter(({ owner }) => owner === caller.person.id);
  if (own.length > 0) return own;
  throw new NotFound('You have no backup, so there are no reports.', {
    code: 'no_plans',
    advice: 'Make the first one, for example: backup ~/Pictures to /mnt/usb weekly',
  });
}

const isMailed = (plan: Plan): boolean => plan.mailed !== false;

const changed = ({ mailed: _, ...plan }: Plan, mailed: boolean): Plan => (mailed ? plan : { ...plan, mailed: false });

/** What is about: "photos", or "all 3 backups". */
const namesOf = (plans: readonly Plan[]): string => {
  const [plan] = plans;
  return plans.length === 1 && plan ? plan.name : `all ${manyWords(plans.length, 'backup')}`;
};

/** Behind "reports" in a line. */
const ofPlan = (plans: readonly Plan[]): string => {
  const [plan] = plans;
  return plans.length === 1 && plan ? ` of ${quote(plan.name)}` : '';
};

/** Where something is still told without mails. */
function stillTold({ config }: Services, { person }: Caller, plans: readonly Plan[]): string {
  const chats = person.identities
    .map(({ surface }) => surface)
    .filter((surface) => isChat(surface) && (surface === 'slack' ? config.slack : config.discord));
  const shared = plans.some(({ conversation }) => conversation !== undefined);
  const places = [...new Set(chats)].map(surfaceWords);
  const where = [
    ...(places.length > 0 ? [`in ${places.join(' and ')}`] : []),
    ...(shared ? ['where it is shared'] : []),
  ];
  return where.length > 0
    ? `You still hear about it ${where.join(' and ')}, and \`status\` tells it here.`
    : 'You learn it only by looking: `status` tells it.';
}

function stopped(services: Services, caller: Caller, plans: readonly Plan[], same: boolean): Reply {
  const title = same
    ? `Reports of ${namesOf(plans)} are not mailed anyway.`
    : `No more mails with reports of ${namesOf(plans)}.`;
  const blocks = [
    text('That holds for failures too: when a backup fails, no mail says so.'),
    text(`The backups go on. ${stillTold(services, caller, plans)}`),
    ...choices(
      choice('Mail them again', `send reports${ofPlan(plans)}`),
      plans.length === 1 && ofPlan(plans) !== '' ? choice('No mails of any backup', 'stop all reports') : undefined,
      choice('Am I safe?', 'status'),
    ),
  ];
  return same ? plain(title, blocks) : good(title, blocks);
}

/** Why no mail comes although they are asked for; undefined when one does. */
function obstacle({ config }: Services, { person }: Caller): string | undefined {
  const mails = mailsOf(person);
  if (!config.mail?.smtp) return 'This Keepsake has no mail server: its reports are files in the data folder.';
  if (mails.length === 0) return 'I know no mail address of yours. Tell me one, for example: mail ana@example.org';
  if (mails.every(({ refused }) => refused !== undefined))
    return 'Mails to your address come back; what mends that: mail';
  return undefined;
}

function sent(services: Services, caller: Caller, plans: readonly Plan[], same: boolean): Reply {
  const quiet = plans.filter(({ report }) => report === 'never' || report === 'on_failure');
  const why = obstacle(services, caller);
  const title = same
    ? `Reports of ${namesOf(plans)} are mailed already.`
    : `Reports of ${namesOf(plans)} are mailed again.`;
  const blocks = [
    ...(why === undefined ? [] : [text(why)]),
    ...(quiet.length === 0
      ? []
      : [
          text(
            `${quiet.map(({ name }) => name).join(', ')}: only runs that went wrong are reported. For all of them: edit ${quote(quiet[0]?.name ?? '')} report always`,
          ),
        ]),
    ...choices(choice('No mails', `stop reports${ofPlan(plans)}`), choice('Where to?', 'mail')),
  ];
  return same ? plain(title, blocks) : good(title, blocks);
}

export const reports: Command<'reports'> = {
  name: 'reports',
  summary: 'Stop the mails with reports, or have them again.',
  example: 'stop reports of "Pictures to usb"',
  needs: 'viewer',
  async *run(args, caller, services) {
    const plans = await meant(services, caller, args.plan);
    const others = plans.filter((plan) => isMailed(plan) !== args.mailed);
    for (const { id } of others) await changePlan(services, id, (plan) => changed(plan, args.mailed));
    const same = others.length === 0;
    const reply = (args.mailed ? sent : stopped)(services, caller, plans, same);
    const [one] = plans;
    yield {
      ...reply,
      data: { mailed: args.mailed, plans: plans.map(({ name }) => name), ...(same ? { unchanged: true } : {}) },
      onlyForCaller: true,
      ...(plans.length === 1 && one ? { about: { plan: one.id } } : {}),
    };
  },
};
