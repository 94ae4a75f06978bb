/** `status`, and a bare `/backup`: "am I safe?" in one line, then the plans. */

import { connectLine } from '../accounts.ts';
import { closedDoors } from '../mail-trouble.ts';
import type { Services } from '../services.ts';
import type { Block, Caller, OutboxMessage, Plan, SnapshotRecord } from '../types.ts';
import { distanceWords, durationWords, manyWords } from '../wording.ts';
import type { Command } from './command.ts';
import { exampleLine } from './example.ts';
import { newForms } from './form-for.ts';
import { healthOf, type PlanHealth } from './health.ts';
import { nextCell } from './list.ts';
import { accountsOf } from './locate.ts';
import { mailsOf } from './mail.ts';
import { newestRun, visiblePlans } from './plan-of.ts';
import { choice, choices, plain, text } from './reply.ts';

/** A message that waits longer than this has nobody to carry it. */
const STUCK = 24 * 3_600_000;

export async function newestSnapshot(
  services: Pick<Services, 'store'>,
  plan: Plan,
): Promise<SnapshotRecord | undefined> {
  const snapshots = services.store.find('snapshots', {
    index: 'plan+started',
    equals: [plan.id],
    reverse: true,
    limit: 1,
  });
  for await (const snapshot of snapshots) return snapshot;
  return undefined;
}

/** Messages that will not arrive, or have been waiting for a day: an owner's, all of them; others', their own. */
async function undelivered(services: Services, caller: Caller): Promise<OutboxMessage[]> {
  const late = new Date(services.clock.now().getTime() - STUCK).toISOString();
  const found: OutboxMessage[] = [];
  for (const state of ['dead', 'waiting'] as const) {
    for await (const message of services.store.find('outbox', { index: 'state+due', equals: [state] })) {
      const mine = caller.person.role === 'owner' || message.person === caller.person.id;
      if (mine && (state === 'dead' || message.created < late)) found.push(message);
    }
  }
  return found;
}

function verdict(healths: readonly PlanHealth[], others: number, now: Date): string {
  const bad = healths.filter((health) => !health.current);
  if (bad.length > 0) {
    const [first] = bad;
    if (healths.length === 1 && first) return `Your backup needs you. ${first.what}`;
    return `${bad.length} of ${healths.length} backups ${bad.length === 1 ? 'needs' : 'need'} you.`;
  }
  const ages = healths.flatMap((health) =>
    health.copy === undefined ? [] : [now.getTime() - Date.parse(health.copy)],
  );
  const oldest = durationWords(Math.max(...ages) / 1000);
  const all = healths.length === 1 ? 'Your backup is current.' : `All ${healths.length} backups are current.`;
  const also = others > 0 ? ` ${manyWords(others, 'other thing')} to look at.` : '';
  return `${all} ${healths.length === 1 ? 'The copy is' : 'Oldest copy:'} ${oldest}${healths.length === 1 ? ' old' : ''}.${also}`;
}

const planTable = (healths: readonly PlanHealth[]): Block => ({
  kind: 'table',
  columns: ['Name', 'State', 'Newest copy', 'Next run'],
  rows: healths.map(({ plan, what, copy }) => [
    plan.name,
    what,
    copy === undefined ? 'no copy yet' : { at: copy },
    nextCell(plan),
  ]),
});

const HELP: Record<string, (name: string) => string> = {
  history: (name) => `What happened to ${name}`,
  run: (name) => `Run ${name} now`,
  resume: (name) => `Resume ${name}`,
  show: (name) => `Answer for ${name}`,
  verify: (name) => `Check ${name}`,
};

const helpLabel = (name: string, line: string): string => {
  const verb = line.split(' ')[0] ?? '';
  return HELP[verb]?.(name) ?? `${name}: ${verb}`;
};

/** When copies were last read back, and what was found; undefined when they never were. */
function checkedWords(newest: readonly (SnapshotRecord | undefined)[], now: Date): string | undefined {
  const [last] = newest.flatMap((snapshot) => snapshot?.verified ?? []).sort((a, b) => (a.at < b.at ? 1 : -1));
  if (!last) return undefined;
  const found = last.bad === 0 ? 'all as they should be' : `${manyWords(last.bad, 'file')} not as they should be`;
  return `Copies last checked: ${distanceWords(last.at, now)}, ${manyWords(last.files, 'file')}, ${found}.`;
}

export const status: Command<'status'> = {
  name: 'status',
  summary: 'Am I safe? One line, then your backups.',
  example: 'status',
  needs: 'viewer',
  looks: true,
  async *run(_args, caller, services) {
    const now = services.clock.now();
    const plans = await visiblePlans(services, caller);
    if (plans.length === 0) {
      yield plain(
        'Nothing is backed up yet.',
        [
          text(`Say what to copy and where, for example \`${exampleLine(services, caller)}\`.`),
          ...newForms(caller),
          ...choices(choice('Connect an account', 'help connect'), choice('Help', 'help')),
        ],
        { current: false, plans: [], accounts: [], undelivered: [] },
      );
      return;
    }
    const healths: PlanHealth[] = [];
    const snapshots: (SnapshotRecord | undefined)[] = [];
    for (const plan of plans) {
      const newest = await newestSnapshot(services, plan);
      snapshots.push(newest);
      healths.push(healthOf(plan, newest, await newestRun(services, plan), now));
    }
    const checked = checkedWords(snapshots, now);
    const signIns = (await accountsOf(services, caller.person)).filter((account) => account.state === 'needs_sign_in');
    const stuck = await undelivered(services, caller);
    const bad = healths.filter((health) => !health.current);
    const notes = [
      ...(caller.person.role === 'owner' || mailsOf(caller.person).length > 0 ? await closedDoors(services) : []),
      ...mailsOf(caller.person)
        .filter(({ refused }) => refused !== undefined)
        .map(({ id }) => `Mails to ${id} came back, so none is sent there. When it works again, say: mail ${id}`),
      ...signIns.map((account) => `The account "${account.name}" needs you to sign in again.`),
      ...(stuck.length === 0
        ? []
        : [
            `${manyWords(stuck.length, 'message')} could not be delivered (${[...new Set(stuck.map((message) => message.surface))].join(', ')}): ${stuck[0]?.error ?? 'nothing carries them'}`,
          ]),
    ];
    const safe = bad.length === 0 && notes.length === 0;
    yield {
      ...plain(
        verdict(healths, notes.length, now),
        [
          planTable(healths),
          ...(checked === undefined ? [] : [text(checked)]),
          ...notes.map(text),
          ...choices(
            ...bad
              .slice(0, 3)
              .map(({ plan, line }) => (line ? choice(helpLabel(plan.name, line), line, 'primary') : undefined)),
            ...signIns.slice(0, 2).map((account) => choice(`Sign in to ${account.name}`, connectLine(account))),
            choice('All backups', 'list'),
          ),
          ...newForms(caller),
        ],
        {
          current: safe,
          plans: healths.map(({ plan, copy, current, what, line }) => ({
            name: plan.name,
            current,
            what,
            copy,
            next: plan.next,
            line,
          })),
          accounts: signIns.map((account) => ({ name: account.name, state: account.state })),
          undelivered: stuck.map(({ id, surface, state, tries, created, error }) => ({
            id,
            surface,
            state,
            tries,
            created,
            error,
          })),
        },
      ),
      tone: safe ? 'good' : 'bad',
      outcome: safe ? 'done' : 'partial',
    };
  },
};
