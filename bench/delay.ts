/**
 * A line with latency: every piece a client sends leaves that much later, in order; answers come back at once. So a request
 * costs the whole delay once, as over a link with that round-trip time; bandwidth is not limited.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Delay {
  port: number;
  close(): Promise<void>;
}

export async function startDelay(target: number, ms: number): Promise<Delay> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    const far = connect({ port: target, host: '127.0.0.1', noDelay: true });
    for (const socket of [client, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        far.destroy();
      });
    }
    // Timers of one length fire in the order in which they were set.
    client.on('data', (piece) => void setTimeout(() => far.write(piece), ms));
    client.on('end', () => void setTimeout(() => far.end(), ms));
    far.pipe(client);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
