/** One connection's bytes, read and written as Latin-1 text, and what can happen to them on the way. */
import type { Socket } from 'node:net';

/** The other side has hung up, or the connection was cut. */
export class Gone extends Error {}

export interface WireFaults {
  /** How many more bytes go out, over all connections, before the one that is writing is cut. */
  bytesUntilCut: number | undefined;
  /** How many of the next literals break off in their middle, and the connection with them. */
  literalsToCut: number;
}

export interface Wire {
  /** Without its CRLF. Rejects with `Gone` at the end. */
  line(): Promise<string>;
  bytes(count: number): Promise<string>;
  send(text: string): void;
  cut(): void;
  /** Half-dead, as behind a router that forgot it: nothing comes in, nothing goes out, and nobody is told. */
  mute(): void;
  readonly isOpen: boolean;
}

const LITERAL = /\{(\d+)\}\r\n/;
/** Longer lines are nothing that a client of ours says. */
const LONGEST_LINE = 65_536;

export function createWire(socket: Socket, faults: WireFaults, blame: (problem: string) => void): Wire {
  let buffered = '';
  let isMuted = false;
  let isOpen = true;
  let wake: (() => void) | undefined;
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => {
    if (isMuted) return;
    buffered += text;
    wake?.();
  });
  const ended = (): void => {
    isOpen = false;
    wake?.();
  };
  socket.on('error', ended).on('close', ended).on('end', ended);
  const cut = (): void => {
    isOpen = false;
    socket.destroy();
    wake?.();
  };
  /** Resolves with what `take` finds, as soon as it finds something. */
  async function when<T>(take: () => T | undefined): Promise<T> {
    for (;;) {
      const found = isMuted ? undefined : take();
      if (found !== undefined) return found;
      if (!isOpen) throw new Gone('the connection is closed');
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
  function cutPart(text: string): string | undefined {
    const literal = faults.literalsToCut > 0 ? LITERAL.exec(text) : null;
    if (literal && Number(literal[1]) > 1) {
      faults.literalsToCut -= 1;
      return text.slice(0, literal.index + literal[0].length + Math.floor(Number(literal[1]) / 2));
    }
    if (faults.bytesUntilCut === undefined) return undefined;
    if (text.length < faults.bytesUntilCut) {
      faults.bytesUntilCut -= text.length;
      return undefined;
    }
    const part = text.slice(0, faults.bytesUntilCut);
    faults.bytesUntilCut = undefined;
    return part;
  }
  return {
    line: () =>
      when(() => {
        const end = buffered.indexOf('\n');
        if (end < 0) {
          if (buffered.length > LONGEST_LINE) {
            blame(`a line of more than ${LONGEST_LINE} bytes`);
            cut();
          }
          return undefined;
        }
        const line = buffered.slice(0, end);
        buffered = buffered.slice(end + 1);
        if (!line.endsWith('\r')) blame('a line ends with LF alone');
        return line.replace(/\r$/, '');
      }),
    bytes: (count) =>
      when(() => {
        if (buffered.length < count) return undefined;
        const bytes = buffered.slice(0, count);
        buffered = buffered.slice(count);
        return bytes;
      }),
    send(text) {
      if (isMuted || !isOpen) return;
      const part = cutPart(text);
      if (part === undefined) return void socket.write(text, 'latin1');
      isOpen = false;
      socket.write(part, 'latin1', () => cut());
    },
    cut,
    mute() {
      isMuted = true;
    },
    get isOpen() {
      return isOpen;
    },
  };
}
