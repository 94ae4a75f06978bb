/** What people wait for when they answer a mail: one after the other, and two hundred at once. */
import { readdirSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { compose } from '../src/compose.ts';
import { systemClock } from '../src/engine/clock.ts';
import { readConfig } from '../src/engine/config.ts';
import { openSqlite } from '../src/engine/store/sqlite.ts';
import { createTokens } from '../src/engine/tokens.ts';
import { taggedAddress } from '../src/mail/address.ts';
import { type Program, startProgram } from '../test/servers/program.ts';
import type { BenchPost } from './mail-post.ts';
import { makeSmall } from './workload.ts';

const BARE = fileURLToPath(new URL('bare-mail.ts', import.meta.url));
const LINES = ['status', 'list', 'pause', 'help', 'resume'];
/** An answer that takes longer is none. */
const PATIENCE = 120_000;

/** Milliseconds from the moment a reply was sent; Infinity where it did not come. */
export interface Waits {
  /** Until what was asked for was done, and its answer written down. */
  actions: number[];
  answers: number[];
}

export interface Talk {
  post: string;
  program: string;
  /** `1` for one after the other. */
  atOnce: number;
  waits: Waits;
}

export interface BareTimes {
  post: string;
  /** From the arrival in the mailbox to imapflow's `exists`. */
  pushes: number[];
  /** nodemailer, one after the other, over an open connection. */
  sends: number[];
}

/** A reply of somebody, with a fresh token where the program knows tokens. */
type Reply = (n: number) => Promise<string>;

async function until(holds: () => boolean, every: number): Promise<void> {
  for (const end = performance.now() + PATIENCE; !holds() && performance.now() < end; ) await wait(every);
}

/** Sends so many replies, `atOnce` at a time. The moment of each by its Message-ID. */
async function say(post: BenchPost, reply: Reply, o: { from: number; count: number; atOnce: number }) {
  const sent = new Map<string, number>();
  for (let n = 0; n < o.count; n += o.atOnce) {
    const some = Array.from({ length: Math.min(o.atOnce, o.count - n) }, (_, k) => o.from + n + k);
    const ids: string[] = [];
    await Promise.all(
      some.map(async (one) => {
        const began = Date.now();
        const id = await reply(one);
        sent.set(id, began);
        ids.push(id);
      }),
    );
    await until(
      () => {
        const answered = new Set(post.arrived().map(({ answers }) => answers));
        return ids.every((id) => answered.has(id));
      },
      o.atOnce === 1 ? 3 : 50,
    );
  }
  return sent;
}

function answersTo(post: BenchPost, sent: ReadonlyMap<string, number>): number[] {
  const at = new Map(post.arrived().map((one) => [one.answers, one.at]));
  return [...sent].map(([id, began]) => (at.get(id) ?? Number.POSITIVE_INFINITY) - began);
}

export async function talkToBare(post: BenchPost, rounds: readonly [number, number]): Promise<[Talk[], BareTimes]> {
  const program = startProgram({ file: BARE, environment: post.environment() });
  const talks: Talk[] = [];
  try {
    await program.says(/up/);
    const reply: Reply = async (n) => {
      const person = post.people[n % post.people.length];
      return (await person?.send({ to: post.address, subject: 'status', text: 'status' }))?.messageId ?? '';
    };
    await say(post, reply, { from: 0, count: 3, atOnce: 1 });
    let from = 3;
    for (const [atOnce, count] of [
      [1, rounds[0]],
      [rounds[1], rounds[1]],
    ] as const) {
      const sent = await say(post, reply, { from, count, atOnce });
      from += count;
      talks.push({
        post: post.name,
        program: 'bare imapflow and nodemailer',
        atOnce,
        waits: { actions: [], answers: answersTo(post, sent) },
      });
    }
    // Here one alone, so that each push belongs to one mail.
    const pushes: number[] = [];
    const pushed = (): number[] => [...program.said().matchAll(/^exists (\d+)/gm)].map((match) => Number(match[1]));
    for (let n = 0; n < rounds[0]; n++) {
      const before = pushed().length;
      const sent = await say(post, reply, { from, count: 1, atOnce: 1 });
      from += 1;
      const [began = 0] = sent.values();
      pushes.push((pushed()[before] ?? Number.POSITIVE_INFINITY) - began);
    }
    const sends = [...program.said().matchAll(/^sent ([\d.]+)/gm)].map((match) => Number(match[1]));
    return [talks, { post: post.name, pushes, sends: sends.slice(3, 3 + rounds[0]) }];
  } finally {
    await program.end();
  }
}

interface Prepared {
  data: string;
  tokens: string[];
  /** For the big runs. */
  bigTokens: string[];
  big(n: number): string;
  source: string;
}

/** Everybody has a small backup, and tokens enough; the first also has some big ones, which have run once. */
async function prepare(post: BenchPost, home: string, o: { tokens: number; bigs: number }): Promise<Prepared> {
  const data = join(home, 'data');
  const source = join(home, 'source');
  const photos = join(home, 'photos');
  const big = (n: number): string => join(home, `big-${n}`);
  makeSmall(source, 1);
  makeSmall(photos, 20);
  const composed = await compose(readConfig({ KEEPSAKE_LOCAL_ROOTS: home }, { data }), { writeLog: () => undefined });
  try {
    const { store, clock } = composed.services;
    const created = clock.now().toISOString();
    const plans: string[] = [];
    for (const [n, { address }] of post.people.entries()) {
      const identities = [{ surface: 'mail', id: address }];
      const person = await store.put('people', {
        id: `p${n}`,
        name: `Person ${n}`,
        role: 'owner',
        identities,
        zone: 'UTC',
        created,
      });
      const caller = { person, surface: 'terminal', zone: 'UTC', signal: new AbortController().signal };
      const lines = [`backup ${photos} to ${join(home, `copy-${n}`)} manually named photos${n}`];
      for (let k = 1; n === 0 && k <= o.bigs; k++) lines.push(`backup ${source} to ${big(k)} manually named big${k}`);
      for (const line of lines) {
        for await (const reply of composed.dispatch(line, caller)) {
          if ((reply.outcome ?? 'done') !== 'done') throw new Error(reply.title);
        }
      }
      for await (const plan of store.find('plans', { index: 'owner', equals: [`p${n}`] })) {
        if (plan.name === `photos${n}`) plans[n] = plan.id;
      }
    }
    const { reply } = createTokens({ store, clock });
    const tokens: string[] = [];
    for (let n = 0; n < o.tokens; n++) {
      const who = n % post.people.length;
      tokens.push(await reply({ person: `p${who}`, about: { plan: plans[who] ?? '' } }));
    }
    const bigTokens: string[] = [];
    for (let k = 0; k < o.bigs; k++) bigTokens.push(await reply({ person: 'p0' }));
    // Reports of what was run here are nobody's answer.
    for await (const message of store.find('outbox')) await store.remove('outbox', message.id);
    return { data, tokens, bigTokens, big, source };
  } finally {
    await composed.close();
  }
}

/** When the answer to each mail was written down: what it asked for was done by then. */
async function writtenAt(data: string): Promise<Map<string, number>> {
  const store = await openSqlite(join(data, 'keepsake.db'), { clock: systemClock, log: () => undefined });
  try {
    const at = new Map<string, number>();
    for await (const { answers, created } of store.find('outbox')) if (answers) at.set(answers.id, Date.parse(created));
    return at;
  } finally {
    await store.close();
  }
}

export async function talkToKeepsake(
  post: BenchPost,
  rounds: readonly [number, number],
  files: number | undefined,
): Promise<Talk[]> {
  const home = await mkdtemp(join(tmpdir(), 'keepsake-mail-'));
  const bigs = 12;
  let program: Program | undefined;
  try {
    const { data, tokens, bigTokens, big, source } = await prepare(post, home, {
      tokens: rounds[0] + rounds[1] + 3,
      bigs,
    });
    if (files !== undefined) makeSmall(source, files);
    const environment = { ...post.environment(), KEEPSAKE_DATA: data, KEEPSAKE_LOCAL_ROOTS: home, PORT: '0' };
    program = startProgram({ environment });
    await program.says(/mail\.connected/);
    const reply: Reply = async (n) => {
      const person = post.people[n % post.people.length];
      const to = taggedAddress(post.address, 'r', tokens[n] ?? '');
      const line = LINES[n % LINES.length] ?? 'status';
      return (await person?.send({ to, subject: 'Re: photos: backed up', text: `${line}\n` }))?.messageId ?? '';
    };
    await say(post, reply, { from: 0, count: 3, atOnce: 1 });

    let over = false;
    const ask = (n: number) =>
      post.people[0]?.send({
        to: taggedAddress(post.address, 'r', bigTokens[n - 1] ?? ''),
        subject: 'Re: big',
        text: `run big${n}\n`,
      }) ?? Promise.resolve();
    const running = files === undefined ? undefined : keepRunning(bigs, big, ask, () => over);
    await running?.began;
    const talked: { atOnce: number; sent: ReadonlyMap<string, number> }[] = [];
    let from = 3;
    for (const [atOnce, count] of [
      [1, rounds[0]],
      [rounds[1], rounds[1]],
    ] as const) {
      talked.push({ atOnce, sent: await say(post, reply, { from, count, atOnce }) });
      from += count;
    }
    over = true;
    if ((await running?.ended) === bigs) throw new Error('The runs were over before everybody was answered.');
    await program.end();
    const written = await writtenAt(data);
    return talked.map(({ atOnce, sent }) => ({
      post: post.name,
      program: files === undefined ? 'Keepsake, idle' : `Keepsake, during a run`,
      atOnce,
      waits: {
        actions: [...sent].map(([id, began]) => (written.get(id) ?? Number.POSITIVE_INFINITY) - began),
        answers: answersTo(post, sent),
      },
    }));
  } finally {
    await program?.end();
    await rm(home, { recursive: true, force: true });
  }
}

/** One big run after the other, each asked for by mail. */
function keepRunning(
  bigs: number,
  big: (n: number) => string,
  ask: (n: number) => Promise<unknown>,
  isOver: () => boolean,
): { began: Promise<void>; ended: Promise<number> } {
  const began = Promise.withResolvers<void>();
  async function run(): Promise<number> {
    for (let n = 1; n <= bigs; n++) {
      if (isOver()) return n - 1;
      await ask(n);
      const manifests = join(big(n), '.keepsake', 'snapshots');
      await until(() => readdirSync(big(n)).length >= 5, 5);
      began.resolve();
      await until(() => readdirSync(manifests).length > 1, 20);
      rmSync(big(n), { recursive: true, force: true });
    }
    return bigs;
  }
  const ended = run();
  ended.catch(began.reject);
  return { began: began.promise, ended };
}
