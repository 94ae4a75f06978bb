/** Contract cases about getting in and out: check, close, credentials, servers that are away, signals already aborted. */
import { inspect } from 'node:util';
import { expect } from 'vitest';
import { AuthRequired, NotFound, RetryLater } from '../../../src/engine/errors.ts';
import type { Entry, Provider } from '../../../src/engine/types.ts';
import { body, collect } from './bodies.ts';
import { type Case, failure, failureOf, small, type Trial } from './trial.ts';

/** Opens and checks with other settings; `open` may already notice. */
async function openAndCheck(t: Trial, settings: unknown): Promise<void> {
  const provider = await t.open({ settings });
  await provider.check(t.o);
}

function expectNoSecret(t: Trial, error: unknown): void {
  const said = inspect(error, { depth: 12, showHidden: true });
  const logged = t.subject.context.lines.join('\n');
  for (const secret of t.subject.secrets ?? []) {
    expect(said.includes(secret), 'a secret is in the error').toBe(false);
    expect(logged.includes(secret), 'a secret is in the log').toBe(false);
  }
}

/** Every call a provider has, as a table, each with an own signal. */
function calls(
  t: Trial,
  provider: Provider,
  known: Entry | undefined,
): [string, (signal: AbortSignal) => Promise<unknown>][] {
  const entry = known ?? { path: t.at('nothing'), id: t.at('nothing') };
  const table: [string, (signal: AbortSignal) => Promise<unknown>][] = [
    ['check', (signal) => provider.check({ signal })],
    [
      'list',
      async (signal) => {
        for await (const _ of provider.list({ signal })) break;
      },
    ],
    ['read', async (signal) => collect(await provider.read(entry, { signal }))],
  ];
  const { write, remove, move, confirm } = provider;
  if (write) {
    const file = { path: t.at('late'), size: 10, content: body(10) };
    table.push(['write', (signal) => write.call(provider, file, { signal })]);
  }
  if (remove) table.push(['remove', (signal) => remove.call(provider, entry, { signal })]);
  if (move) table.push(['move', (signal) => move.call(provider, entry, t.at('moved'), { signal })]);
  if (confirm) table.push(['confirm', (signal) => confirm.call(provider, [entry.path], { signal })]);
  return table;
}

export const accessCases: readonly Case[] = [
  {
    name: 'check answers who and how much room',
    run: async (t) => {
      const health = await t.provider.check(t.o);
      for (const bytes of [health.free, health.total]) {
        if (bytes !== undefined) expect(Number.isSafeInteger(bytes) && bytes >= 0, `bytes: ${bytes}`).toBe(true);
      }
      if (health.free !== undefined && health.total !== undefined)
        expect(health.free).toBeLessThanOrEqual(health.total);
      expectNoSecret(t, health);
    },
  },
  {
    name: 'wrong credentials are AuthRequired, and no secret is told',
    needs: ['wrongSettings'],
    run: async (t) => {
      const error = await failureOf(AuthRequired, openAndCheck(t, t.subject.wrongSettings), 'wrong credentials');
      expectNoSecret(t, error);
    },
  },
  {
    name: 'a server that nobody answers for is RetryLater',
    needs: ['unreachableSettings'],
    run: async (t) => {
      const error = await failureOf(RetryLater, openAndCheck(t, t.subject.unreachableSettings), 'unreachable server');
      expectNoSecret(t, error);
    },
  },
  {
    name: 'a root that is not there is NotFound, or empty where writing would make it',
    needs: ['missingRoot'],
    run: async (t) => {
      const provider = await t.open({ root: t.subject.missingRoot as string });
      const listed: Entry[] = [];
      try {
        for await (const entry of provider.list(t.o)) listed.push(entry);
      } catch (error) {
        expect(error, String(error)).toBeInstanceOf(NotFound);
        return;
      }
      expect(listed).toEqual([]);
      expect(provider.write, 'a place that cannot be written to must say that its root is missing').toBeDefined();
    },
  },
  {
    name: 'every call refuses an aborted signal at once, with the reason of the signal',
    run: async (t) => {
      const path = t.at('here');
      if (t.provider.write || t.subject.plant) await t.put(path, small(1));
      const known = t.provider.write || t.subject.plant ? await t.entry(path) : undefined;
      const reason = new Error('enough');
      for (const [name, call] of calls(t, t.provider, known)) {
        expect(await failure(call(AbortSignal.abort(reason)), name), name).toBe(reason);
      }
      if (known) {
        expect(await t.bytes(path), 'still there').toEqual(small(1));
        expect((await t.list(t.at())).map((entry) => entry.path)).toEqual([path]);
      }
    },
  },
  {
    name: 'close may be called twice, and other openings go on',
    run: async (t) => {
      const other = await t.open();
      await other.check(t.o);
      await other.close?.();
      await other.close?.();
      await t.provider.check(t.o);
    },
  },
];
