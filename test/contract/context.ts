/** A `ProviderContext` for tests: real clock and HTTP, loopback only, every log line kept for the search for secrets. */
import { tmpdir } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { inspect } from 'node:util';
import type { Clock, ProviderContext, UploadMemo } from '../../src/engine/types.ts';

export interface TestContext extends ProviderContext {
  /** What the provider logged, each line as text with its details. */
  readonly lines: string[];
}

/** A memo in memory; `state` can be looked at and set. */
export interface TestMemo extends UploadMemo {
  state: string | undefined;
  saves: number;
}

export function testMemo(state?: string): TestMemo {
  const memo: TestMemo = {
    state,
    saves: 0,
    load: async () => memo.state,
    save: async (next) => {
      memo.state = next;
      memo.saves++;
    },
  };
  return memo;
}

export const realClock: Clock = {
  now: () => new Date(),
  sleep: async (ms, signal) => {
    try {
      await wait(ms, undefined, signal ? { signal } : {});
    } catch (error) {
      throw signal?.aborted ? signal.reason : error;
    }
  },
};

/**
 * Providers that speak HTTP pass `http` (`createHttp` of the engine); without it a request fails the test, so that no
 * provider talks to the network by accident.
 */
export function testContext(overrides: Partial<ProviderContext> = {}): TestContext {
  const lines: string[] = [];
  return {
    http: async (request) => {
      throw new Error(`This test gave no HTTP, but ${request.method} ${request.url} was asked for.`);
    },
    endpoint: (_service, fallback) => fallback,
    session: testMemo(),
    ask: async (question) => {
      throw new Error(`Nobody answers in this test: ${question.text}`);
    },
    log: (level, event, details) => {
      lines.push(`${level} ${event} ${inspect(details, { depth: 8 })}`);
    },
    clock: realClock,
    localRoots: [tmpdir()],
    home: tmpdir(),
    cwd: tmpdir(),
    ...overrides,
    lines,
  };
}
