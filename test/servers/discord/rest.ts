/** REST v10 of the fake Discord: routes, tokens, bodies, limits; unknown routes and wrong bodies are written down. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Commands } from './commands.ts';
import { errorTree, isObject, Refusal } from './json.ts';
import type { Limits } from './limits.ts';
import type { Body, Upload } from './messages.ts';
import { type Route, routesOf } from './routes.ts';
import type { World } from './world.ts';

export interface Rest {
  server: Server;
  /** Every request, in order. */
  requests: { method: string; route: string; path: string; status: number; code: number }[];
  /** Answers with 401, 403 and 429: at 10,000 in ten minutes the real one locks the address out. */
  invalid(): number;
  /** Answers to interactions take this long. */
  delay: number;
  /** Resolves when no request is in hand. */
  idle(): Promise<void>;
}

async function bodyOf(request: IncomingMessage, path: string): Promise<{ body: Body; raw: unknown }> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const method = request.method ?? '';
  const type = request.headers['content-type'] ?? '';
  const done = (raw: unknown, files: Upload[] = []) => ({
    raw,
    body: { json: isObject(raw) ? raw : {}, files, method, path },
  });
  const parsed = (words: string): unknown => {
    try {
      return JSON.parse(words);
    } catch (cause) {
      throw Object.assign(new Refusal(400, 50109, 'The request body contains invalid JSON.'), { cause });
    }
  };
  if (bytes.length === 0) return done({});
  if (type.startsWith('application/json')) return done(parsed(bytes.toString('utf8')));
  if (!type.startsWith('multipart/form-data'))
    throw new Refusal(400, 50035, `Expected JSON or multipart/form-data, not ${type}`);
  const form = await new Response(bytes, { headers: { 'content-type': type } }).formData();
  const files: Upload[] = [];
  for (const [name, value] of form) {
    const index = /^files\[(\d+)\]$/.exec(name)?.[1];
    if (index === undefined || typeof value === 'string') continue;
    files.push({
      index: Number(index),
      name: value.name,
      mime: value.type || 'application/octet-stream',
      bytes: new Uint8Array(await value.arrayBuffer()),
    });
  }
  const payload = form.get('payload_json');
  return done(typeof payload === 'string' ? parsed(payload) : {}, files);
}

function respond(response: ServerResponse, status: number, headers: Record<string, string>, body: unknown): void {
  // A 204 with a content type makes clients read a body that is not there.
  if (body === undefined) response.writeHead(204, headers).end();
  else response.writeHead(status, { ...headers, 'content-type': 'application/json' }).end(JSON.stringify(body));
}

const pattern = (path: string): RegExp => new RegExp(`^${path.replace(/:\w+/g, '([^/]+)')}$`);

export function createRest(o: {
  world: World;
  commands: Commands;
  limits: Limits;
  identifies(): number;
  before(route: string): void;
}): Rest {
  const { world, limits } = o;
  const requests: Rest['requests'] = [];
  let table: (Route & { expression: RegExp })[] | undefined;
  const invalid = { count: 0 };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', world.url);
    const method = request.method ?? '';
    // Clients write @original as %40original.
    const path = decodeURIComponent(url.pathname);
    if (path.startsWith('/attachments/')) {
      attachment(path, response);
      return;
    }
    // The addresses are known only once the port is.
    table ??= routesOf(world, o.commands, o.identifies).map((route) => ({ ...route, expression: pattern(route.path) }));
    const below = path.startsWith('/api/v10/') ? path.slice('/api/v10'.length) : '';
    const route = table.find((one) => one.method === method && one.expression.test(below));
    const name = `${method} ${route?.path ?? below}`;
    let headers: Record<string, string> = {};
    const finish = (status: number, code: number, answered: unknown): void => {
      if ([401, 403, 429].includes(status)) invalid.count += 1;
      requests.push({ method, route: name, path: below, status, code });
      respond(response, status, headers, answered);
      world.changed();
    };
    let read: { body: Body; raw: unknown } | undefined;
    try {
      read = await bodyOf(request, below);
      if (route === undefined) {
        world.violations.push({ method, path, code: 0, message: 'There is no such route', problems: [] });
        throw new Refusal(404, 0, '404: Not Found');
      }
      if (!route.open && request.headers.authorization !== `Bot ${world.token}`)
        throw new Refusal(401, 0, '401: Unauthorized');
      o.before(name);
      const params = route.expression.exec(below)?.slice(1) ?? [];
      const taken = limits.take(
        name,
        `${name}:${params[0] ?? ''}${route.open ? (params[1] ?? '') : ''}`,
        route.open === true,
      );
      headers = taken.headers;
      if (taken.refused !== undefined) {
        headers = taken.refused.headers;
        finish(429, 0, taken.refused.body);
        return;
      }
      limits.faulty(name);
      const result = route.work({ params, ...read, query: url.searchParams });
      const answer = limits.answerOf(name);
      if (answer !== 'comes') {
        requests.push({ method, route: name, path: below, status: 0, code: 0 });
        if (answer === 'lost') response.destroy();
        world.changed();
        return;
      }
      if (rest.delay > 0 && route.path.endsWith('/callback')) await new Promise((done) => setTimeout(done, rest.delay));
      if (isObject(result) && isObject(result.created)) finish(201, 0, result.created);
      else finish(200, 0, result);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.code === 50035 || error.code === 50006 || error.code === 50109)
        world.violations.push({
          method,
          path: below,
          code: error.code,
          message: error.message,
          problems: error.problems,
        });
      const errors = error.problems.length === 0 ? {} : { errors: errorTree(error.problems) };
      finish(error.status, error.code, { message: error.message, code: error.code, ...errors });
    }
  }

  function attachment(path: string, response: ServerResponse): void {
    const [, , , id] = path.split('/');
    const file = [...world.messages.values()].flatMap(({ files }) => files).find((one) => one.id === id);
    if (file === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': file.mime }).end(file.bytes);
  }

  const working = new Set<Promise<void>>();
  const server = createServer((request, response) => {
    const work = handle(request, response).catch((error: unknown) => {
      world.violations.push({
        method: request.method ?? '',
        path: request.url ?? '',
        code: 500,
        message: `The fake itself failed: ${String(error)}`,
        problems: [],
      });
      if (!response.headersSent) respond(response, 500, {}, { message: 'Internal Server Error', code: 0 });
    });
    working.add(work);
    void work.then(() => working.delete(work));
  });
  const rest: Rest = {
    server,
    requests,
    invalid: () => invalid.count,
    delay: 0,
    idle: async () => void (await Promise.all(working)),
  };
  return rest;
}
