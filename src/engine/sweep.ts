/** Forgets what is of no more use, so that the database does not grow for ever: answered events, expired codes, sent messages. */
import type { Query, Store, TableName } from './store/store.ts';
import type { Clock, Log } from './types.ts';

const DAY = 24 * 3_600_000;
/** Slack repeats an event within minutes, a mail server within days; a run's report could be written again after a crash. */
const SEEN_DAYS = 30;
const SENT_DAYS = 30;
/** Long enough to find out who deleted last winter's backup. */
const AUDIT_DAYS = 400;
/** Nobody presses a button or answers a report of last winter. */
const THREAD_DAYS = 400;
const BATCH = 500;

async function removeWhile(store: Store, table: TableName, query: Query, signal: AbortSignal): Promise<number> {
  let count = 0;
  for (;;) {
    signal.throwIfAborted();
    const ids: string[] = [];
    for await (const doc of store.find(table, { ...query, limit: BATCH })) ids.push(doc.id);
    if (ids.length === 0) return count;
    await store.removeMany(table, ids);
    count += ids.length;
  }
}

const MAIL_TOKEN = /^vault\/mail\/([0-9a-f]{40})$/;

/** The token of a mail is kept until it has left; one that died on the way, or whose person is gone, left it behind. */
async function sealedTokens(store: Store): Promise<number> {
  const left: string[] = [];
  for await (const { id } of store.find('settings', { from: 'vault/mail/', to: 'vault/mail0' })) {
    const message = MAIL_TOKEN.exec(id)?.[1];
    if (message !== undefined && (await store.get('outbox', message))?.state !== 'waiting') left.push(id);
  }
  await store.removeMany('settings', left);
  return left.length;
}

/** One round. Answers how many documents went. */
export async function sweep(store: Store, clock: Pick<Clock, 'now'>, signal: AbortSignal): Promise<number> {
  const before = (days: number): string => new Date(clock.now().getTime() - days * DAY).toISOString();
  const rounds: [TableName, Query][] = [
    ['seen', { index: 'at', to: before(SEEN_DAYS) }],
    ['pending', { index: 'expires', to: before(0) }],
    // `due` of a sent message is a few minutes after it left. Dead ones stay: `status` shows them.
    ['outbox', { index: 'state+due', equals: ['sent'], to: before(SENT_DAYS) }],
    ['audit', { index: 'at', to: before(AUDIT_DAYS) }],
    ['threads', { index: 'posted', to: before(THREAD_DAYS) }],
  ];
  let count = await sealedTokens(store);
  for (const [table, query] of rounds) count += await removeWhile(store, table, query, signal);
  return count;
}

/** A round now and then every day, until `signal` is aborted; a store that is away is tried again the next day. */
export async function startSweep(o: { store: Store; clock: Clock; log: Log; signal: AbortSignal }): Promise<void> {
  while (!o.signal.aborted) {
    try {
      const removed = await sweep(o.store, o.clock, o.signal);
      if (removed > 0) o.log('info', 'sweep.done', { removed });
    } catch (error) {
      if (!o.signal.aborted) o.log('warn', 'sweep.failed', { error });
    }
    try {
      await o.clock.sleep(DAY, o.signal);
    } catch (error) {
      if (!o.signal.aborted) throw error;
    }
  }
}
