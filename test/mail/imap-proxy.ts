/** Stands between an IMAP client and its server and does what networks and servers do on bad days. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface ImapProxy {
  port: number;
  /** Connections that were made so far. */
  connections(): number;
  /** Command lines that clients said. */
  said(): readonly string[];
  /** Ends every connection. */
  cut(): void;
  /** Nothing passes in the connections there are, and nobody is told: a line that is half-dead. */
  stall(): void;
  /** Everything the server says comes so many ms later. */
  delay(ms: number): void;
  /** Capabilities that the server does not announce any more. */
  without(...capabilities: string[]): void;
  /** A capability that is announced in another's stead. */
  instead(capability: string, other: string): void;
  /**
   * Answers command lines that match instead of the server, `times` times; `undefined` as answer ends the connection. `$tag`
   * stands for the command's tag.
   */
  answer(pattern: RegExp, text: string | undefined, times?: number): void;
  /** Says a line to every client, unasked. */
  push(line: string): void;
  close(): Promise<void>;
}

export async function startImapProxy(target: number): Promise<ImapProxy> {
  const pairs = new Set<{ client: Socket; server: Socket; isStalled: boolean }>();
  const said: string[] = [];
  let scripts: { pattern: RegExp; text: string | undefined; left: number }[] = [];
  const changes = new Map<string, string>();
  let late = 0;
  let connections = 0;

  const changed = (text: string): string =>
    changes.size > 0 && /\bCAPABILITY\b/.test(text)
      ? text.replace(/ [^\s\]]+/g, (word) => changes.get(word.slice(1)) ?? word)
      : text;

  const listener = createServer((client) => {
    connections++;
    const server = connect(target, '127.0.0.1');
    const pair = { client, server, isStalled: false };
    pairs.add(pair);
    for (const socket of [client, server]) {
      socket.on('error', () => {});
      socket.on('close', () => {
        pairs.delete(pair);
        client.destroy();
        server.destroy();
      });
    }
    let rest = '';
    client.setEncoding('latin1').on('data', (text: string) => {
      if (pair.isStalled) return;
      const lines = (rest + text).split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        said.push(line);
        const script = scripts.find(({ pattern }) => pattern.test(line));
        if (!script) {
          server.write(`${line}\r\n`, 'latin1');
          continue;
        }
        script.left -= 1;
        scripts = scripts.filter(({ left }) => left > 0);
        if (script.text === undefined) {
          client.destroy();
          return;
        }
        client.write(`${script.text.replaceAll('$tag', line.split(' ')[0] ?? '')}\r\n`, 'latin1');
      }
    });
    server.setEncoding('latin1').on('data', (text: string) => {
      const pass = (): void => {
        if (!pair.isStalled && !client.destroyed) client.write(changed(text), 'latin1');
      };
      if (late > 0) setTimeout(pass, late);
      else pass();
    });
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');

  const cut = (): void => {
    for (const { client } of pairs) client.destroy();
  };
  return {
    port: (listener.address() as AddressInfo).port,
    connections: () => connections,
    said: () => said,
    cut,
    stall() {
      for (const pair of pairs) pair.isStalled = true;
    },
    delay(ms) {
      late = ms;
    },
    without(...capabilities) {
      for (const name of capabilities) changes.set(name, '');
    },
    instead(capability, other) {
      changes.set(capability, ` ${other}`);
    },
    answer(pattern, text, times = Number.POSITIVE_INFINITY) {
      scripts.push({ pattern, text, left: times });
    },
    push(line) {
      for (const { client } of pairs) client.write(`${line}\r\n`);
    },
    async close() {
      cut();
      listener.close();
      await once(listener, 'close');
    },
  };
}
