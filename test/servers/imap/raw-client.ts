/** A client that says whatever it is told to, byte for byte. */
import { connect } from 'node:net';

export interface RawClient {
  /** Everything that came so far. */
  heard(): string;
  write(text: string): void;
  /** Resolves with everything as soon as it matches; rejects when the server hangs up first. */
  until(pattern: RegExp): Promise<string>;
  /** Says a line under a new tag and resolves with its answer, untagged lines included. */
  say(command: string): Promise<string>;
  /** Resolves with everything when the server has hung up. */
  closed: Promise<string>;
  close(): void;
}

export async function rawClient(port: number): Promise<RawClient> {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1');
  let text = '';
  let tags = 0;
  const looks = new Set<() => void>();
  const look = (): void => {
    for (const one of [...looks]) one();
  };
  socket.on('data', (piece) => {
    text += piece;
    look();
  });
  socket.on('error', () => {});
  const closed = new Promise<string>((resolve) => {
    socket.on('close', () => {
      resolve(text);
      look();
    });
  });
  const until = (pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const one = (): void => {
        const isThere = pattern.test(text);
        if (!isThere && !socket.closed) return;
        looks.delete(one);
        if (isThere) resolve(text);
        else reject(new Error(`hung up before ${pattern}: ${text}`));
      };
      looks.add(one);
      one();
    });
  await until(/^(\* |220)/);
  return {
    heard: () => text,
    write: (bytes) => void socket.write(bytes, 'latin1'),
    until,
    closed,
    async say(command) {
      tags += 1;
      const tag = `T${tags}`;
      const from = text.length;
      socket.write(`${tag} ${command}\r\n`, 'latin1');
      return (await until(new RegExp(`^${tag} .*\r\n`, 'm'))).slice(from);
    },
    close: () => socket.destroy(),
  };
}
