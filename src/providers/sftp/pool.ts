/** Channels to one server: a few connections with a few channels each, opened as work piles up, replaced when they are lost. */
import { RetryLater, UsageError } from '../../engine/errors.ts';
import type { Connection } from './connection.ts';
import type { Lane } from './lane.ts';

export interface Pool {
  /** The least busy channel; connects first if there is none. Throws as `connect`. */
  lane(signal: AbortSignal): Promise<Lane>;
  close(): void;
}

/** Two, so that one TCP window is not the limit; a server's own limit of sessions (10 a connection is usual) is far away. */
const CONNECTIONS = 2;
/** A channel is a process of its own at the server: while one flushes a file to its disk, the others go on. */
const CHANNELS = 4;

/** The promise, or the signal's reason if that comes first. */
async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let abort: (() => void) | undefined;
  const aborted = new Promise<never>((_, fail) => {
    abort = () => fail(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    if (abort) signal.removeEventListener('abort', abort);
  }
}

export function poolOf(connect: () => Promise<Connection>): Pool {
  let connections: Connection[] = [];
  let lanes: Lane[] = [];
  /** The server refused another connection or channel: what there is must do. */
  let full = false;
  let opening: Promise<Lane> | undefined;
  let closed = false;

  /** A channel on the connection with the fewest, or on a new connection while there are not enough. */
  async function openLane(): Promise<Lane> {
    connections = connections.filter((connection) => connection.open);
    if (connections.length < CONNECTIONS && lanes.length >= connections.length) {
      const connection = await connect();
      if (closed) {
        connection.close();
        throw new RetryLater('The location was closed.', { code: 'closed' });
      }
      connections.push(connection);
      return connection.lane();
    }
    const connection = connections[lanes.length % connections.length];
    if (!connection) throw new RetryLater('The connection was lost.', { code: 'connection_lost' });
    return connection.lane();
  }

  function grow(): Promise<Lane> {
    opening ??= openLane()
      .then((lane) => {
        lanes.push(lane);
        return lane;
      })
      .finally(() => {
        opening = undefined;
      });
    return opening;
  }

  return {
    lane: async (signal) => {
      signal.throwIfAborted();
      if (closed) throw new UsageError('This location was closed before.', { code: 'closed' });
      lanes = lanes.filter((lane) => lane.wire.open);
      const [first, ...others] = lanes;
      if (!first) {
        full = false;
        return orAborted(grow(), signal);
      }
      const least = others.reduce((best, lane) => (lane.wire.busy < best.wire.busy ? lane : best), first);
      if (least.wire.busy > 0 && !full && lanes.length < CONNECTIONS * CHANNELS) {
        grow().catch(() => {
          full = true;
        });
      }
      return least;
    },
    close: () => {
      closed = true;
      for (const connection of connections) connection.close();
      connections = [];
      lanes = [];
    },
  };
}
