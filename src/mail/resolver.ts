/** Asks the name servers: what has been asked lately is remembered, and "there is none" is told from "nobody answers". */
import { Resolver } from 'node:dns/promises';

/** As mailauth calls it. Throws `DnsError`. */
export type Resolve = (name: string, type: string) => Promise<string[][]>;

/** Per try. A name server that is up answers in tenths of a second, one that asks others in less than two. */
const PATIENCE = 2_000;
const TRIES = 2;

/** Longer than the burst of mails that one sender causes, shorter than people wait after they changed a record. */
const REMEMBERED = 5 * 60_000;
/** A strange mail makes at most about 40 questions; answers are at most 64 KB, most are less than one. */
const MOST_REMEMBERED = 1_000;
/** Longer than what a name can need (RFC 1035 section 2.3.4); nothing else is sent to anybody. */
const LONGEST_NAME = 253;

/**
 * `temporary`: nobody answered, or with a failure of theirs. Otherwise there is no such name (`ENOTFOUND`) or no such
 * record (`ENODATA`), which is an answer.
 */
export class DnsError extends Error {
  readonly code: string;
  readonly temporary: boolean;

  constructor(name: string, type: string, code: string, cause?: unknown) {
    super(`${type} ${name}: ${code}`, cause === undefined ? undefined : { cause });
    this.name = 'DnsError';
    this.code = code;
    this.temporary = code !== 'ENOTFOUND' && code !== 'ENODATA';
  }
}

const codeOf = (error: unknown): string => {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  // A name that cannot be written in a question cannot exist either.
  if (code === 'EBADNAME') return 'ENOTFOUND';
  return typeof code === 'string' ? code : 'EUNKNOWN';
};

/** `dns://127.0.0.1:5353` as node wants it. */
const addressOf = (server: string): string => {
  const { hostname, port } = new URL(server.replace(/^dns:/, 'http:'));
  return `${hostname}:${port === '' ? 53 : port}`;
};

type Known = { until: number } & ({ records: string[][] } | { code: string });

export interface ResolverOrder {
  /** `dns://host:port`; the machine's own without it. */
  server?: string;
  /** Ends the questions that are open; later ones fail. */
  signal?: AbortSignal;
  /** Milliseconds that only go forward. */
  now?: () => number;
}

export function createResolver({ server, signal, now = () => performance.now() }: ResolverOrder = {}): Resolve {
  const resolver = new Resolver({ timeout: PATIENCE, tries: TRIES });
  if (server !== undefined) resolver.setServers([addressOf(server)]);
  signal?.addEventListener('abort', () => resolver.cancel(), { once: true });
  /** In the order in which they were learnt. */
  const known = new Map<string, Known>();
  const open = new Map<string, Promise<Known>>();

  async function ask(name: string, type: string): Promise<Known> {
    const until = now() + REMEMBERED;
    try {
      const records = (await resolver.resolve(name, type)) as unknown as string[][];
      return { until, records };
    } catch (error) {
      const failed = new DnsError(name, type, codeOf(error), error);
      if (failed.temporary) throw failed;
      return { until, code: failed.code };
    }
  }

  function remember(key: string, answer: Known): void {
    known.delete(key);
    known.set(key, answer);
    for (const oldest of known.keys()) {
      if (known.size <= MOST_REMEMBERED) break;
      known.delete(oldest);
    }
  }

  async function learn(key: string, name: string, type: string): Promise<Known> {
    try {
      const answer = await ask(name, type);
      remember(key, answer);
      return answer;
    } finally {
      open.delete(key);
    }
  }

  return async (name, type) => {
    if (name.length > LONGEST_NAME || name === '') throw new DnsError(name.slice(0, LONGEST_NAME), type, 'ENOTFOUND');
    if (signal?.aborted) throw new DnsError(name, type, 'ECANCELLED');
    const key = `${type} ${name.toLowerCase()}`;
    let answer = known.get(key);
    if (!answer || answer.until < now()) {
      let asking = open.get(key);
      if (!asking) {
        asking = learn(key, name, type);
        open.set(key, asking);
      }
      answer = await asking;
    }
    // mailauth writes into what it is given, the errors too.
    if ('code' in answer) throw new DnsError(name, type, answer.code);
    return structuredClone(answer.records);
  };
}
