/**
 * SFTP version 3 on a byte stream (draft-ietf-secsh-filexfer-02): packets, and many requests in flight. Own code instead of
 * the one inside ssh2, because names are bytes here: that one reads them as UTF-8 and loses what is not.
 */
import type { Duplex } from 'node:stream';
import { RetryLater } from '../../engine/errors.ts';

export const TYPE = {
  INIT: 1,
  VERSION: 2,
  OPEN: 3,
  CLOSE: 4,
  READ: 5,
  WRITE: 6,
  LSTAT: 7,
  FSTAT: 8,
  SETSTAT: 9,
  FSETSTAT: 10,
  OPENDIR: 11,
  READDIR: 12,
  REMOVE: 13,
  MKDIR: 14,
  REALPATH: 16,
  STAT: 17,
  RENAME: 18,
  STATUS: 101,
  HANDLE: 102,
  DATA: 103,
  NAME: 104,
  ATTRS: 105,
  EXTENDED: 200,
  EXTENDED_REPLY: 201,
} as const;

export const STATUS = {
  OK: 0,
  EOF: 1,
  NO_SUCH_FILE: 2,
  PERMISSION_DENIED: 3,
  FAILURE: 4,
  BAD_MESSAGE: 5,
  UNSUPPORTED: 8,
} as const;

/** A request that the server refused, with its code; `failure.ts` says what it means. */
export class StatusError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(`SFTP status ${status}: ${message}`);
    this.name = 'StatusError';
    this.status = status;
  }
}

/** Reads the fields of a reply one after another. A reply that ends too early throws `RangeError`. */
export interface Reader {
  u32(): number;
  u64(): bigint;
  bytes(): Buffer;
}

export function readerOf(packet: Buffer, start: number): Reader {
  let at = start;
  return {
    u32: () => {
      at += 4;
      return packet.readUInt32BE(at - 4);
    },
    u64: () => {
      at += 8;
      return packet.readBigUInt64BE(at - 8);
    },
    bytes: () => {
      const length = packet.readUInt32BE(at);
      if (at + 4 + length > packet.length) throw new RangeError('A field is longer than its packet.');
      at += 4 + length;
      return packet.subarray(at - length, at);
    },
  };
}

/** number: uint32; bigint: uint64; Buffer: a string with its length; `raw`: as it is. */
export type Field = number | bigint | Buffer | { raw: Buffer };

/** Length, type, request id. */
export const HEAD = 9;

/** A packet with room for its length and id, which `send` fills in. */
export function packetOf(type: number, fields: readonly Field[]): Buffer {
  let size = HEAD;
  for (const field of fields) {
    if (typeof field === 'number') size += 4;
    else if (typeof field === 'bigint') size += 8;
    else size += Buffer.isBuffer(field) ? 4 + field.length : field.raw.length;
  }
  const packet = Buffer.allocUnsafe(size);
  packet[4] = type;
  let at = HEAD;
  for (const field of fields) {
    if (typeof field === 'number') at = packet.writeUInt32BE(field, at);
    else if (typeof field === 'bigint') at = packet.writeBigUInt64BE(field, at);
    else {
      const bytes = Buffer.isBuffer(field) ? field : field.raw;
      if (Buffer.isBuffer(field)) at = packet.writeUInt32BE(field.length, at);
      packet.set(bytes, at);
      at += bytes.length;
    }
  }
  return packet;
}

/** OpenSSH sends at most 256 KiB; nothing sensible sends more than this, and a broken server must not fill the memory. */
const LONGEST_REPLY = 1024 * 1024;

/** Cuts a stream of chunks into packets (type byte first). */
export function splitter(onPacket: (packet: Buffer) => void): (chunk: Buffer) => void {
  const head = Buffer.alloc(4);
  let headed = 0;
  let packet: Buffer | undefined;
  let filled = 0;
  return (chunk) => {
    for (let at = 0; at < chunk.length; ) {
      if (!packet) {
        while (headed < 4 && at < chunk.length) head[headed++] = chunk[at++] as number;
        if (headed < 4) return;
        const length = head.readUInt32BE(0);
        if (length < 5 || length > LONGEST_REPLY) throw new RangeError(`An SFTP packet of ${length} bytes.`);
        packet = Buffer.allocUnsafe(length);
        filled = 0;
      }
      const count = chunk.copy(packet, filled, at, at + packet.length - filled);
      at += count;
      filled += count;
      if (filled === packet.length) {
        const whole = packet;
        packet = undefined;
        headed = 0;
        onPacket(whole);
      }
    }
  };
}

interface Waiting {
  done(packet: Buffer): void;
  fail(error: unknown): void;
}

export interface Wire {
  /** What the server offers beyond version 3, by name. */
  readonly extensions: ReadonlyMap<string, string>;
  /** Requests in flight. */
  readonly busy: number;
  readonly open: boolean;
  /** Sends a packet; answers the reply, whose fields start at 5. `StatusError` for a refusal, `RetryLater` when the line is cut. */
  send(packet: Buffer): Promise<Buffer>;
  end(error: unknown): void;
}

/** Throws the status of a reply unless it is OK. */
export function checkStatus(reply: Buffer): void {
  const fields = readerOf(reply, 5);
  const status = fields.u32();
  if (status !== STATUS.OK) throw new StatusError(status, fields.bytes().toString('utf8').slice(0, 200));
}

/** Greets the server; answers when it has named its version and extensions. */
export function openWire(channel: Duplex): Promise<Wire> {
  const waiting = new Map<number, Waiting>();
  const extensions = new Map<string, string>();
  let next = 0;
  let closed: { error: unknown } | undefined;

  const wire: Wire = {
    extensions,
    get busy() {
      return waiting.size;
    },
    get open() {
      return closed === undefined;
    },
    send: (packet) =>
      new Promise((done, fail) => {
        if (closed) return fail(closed.error);
        next = (next + 1) >>> 0;
        const id = next;
        packet.writeUInt32BE(packet.length - 4, 0);
        packet.writeUInt32BE(id, 5);
        waiting.set(id, { done, fail });
        channel.write(packet);
      }),
    end: (error) => {
      if (closed) return;
      closed = { error };
      for (const { fail } of waiting.values()) fail(error);
      waiting.clear();
      channel.destroy();
    },
  };

  return new Promise((ready, fail) => {
    let greeted = false;
    const receive = splitter((packet) => {
      if (!greeted) {
        if (packet[0] !== TYPE.VERSION) throw new RangeError('The server does not greet as SFTP does.');
        greeted = true;
        for (let at = 5; at < packet.length; ) {
          const fields = readerOf(packet, at);
          const [name, value] = [fields.bytes(), fields.bytes()];
          extensions.set(name.toString('utf8'), value.toString('utf8'));
          at += 8 + name.length + value.length;
        }
        ready(wire);
        return;
      }
      const id = packet.readUInt32BE(1);
      const request = waiting.get(id);
      waiting.delete(id);
      request?.done(packet);
    });
    const stop = (cause?: unknown): void => {
      const error = new RetryLater('The connection to the SFTP server was lost.', { code: 'connection_lost', cause });
      wire.end(error);
      if (!greeted) fail(error);
    };
    channel.on('data', (chunk: Buffer) => {
      try {
        receive(chunk);
      } catch (error) {
        stop(error);
      }
    });
    channel.on('error', stop);
    channel.on('close', () => stop());
    channel.on('end', () => stop());
    channel.write(Buffer.from([0, 0, 0, 5, TYPE.INIT, 0, 0, 0, 3]));
  });
}
