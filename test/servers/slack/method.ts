/** What every method of the Web API is: which token and scopes it takes, and what it answers. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Fields, SlackToken } from './types.ts';
import type { Workspace, World } from './world.ts';

export interface MethodCall {
  world: World;
  method: string;
  args: Fields;
  token: SlackToken;
  workspace: Workspace;
}

export interface Method {
  /** Which token it takes; `none`: the app's id and secret. */
  token: 'bot' | 'app' | 'none';
  scopes?: readonly string[];
  run(call: MethodCall): Promise<Fields> | Fields;
}

export const refused = (error: string, messages?: readonly string[]): Fields => ({
  ok: false,
  error,
  ...(messages === undefined ? {} : { response_metadata: { messages: messages.map((one) => `[ERROR] ${one}`) } }),
});

export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

export function send(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const type = typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8';
  if (response.destroyed || response.headersSent) return;
  response.writeHead(status, { 'content-type': type, ...headers }).end(text);
}
