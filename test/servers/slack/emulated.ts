/**
 * The independent server behind ours: `emulate`'s Slack keeps channels, messages, people and files of one workspace and is
 * asked after our own checks. It knows one team id and the machine's clock only, so ids and times are translated.
 */
import { createEmulator } from 'emulate';
import type { Fields } from './types.ts';
import { isFields, type World } from './world.ts';

export interface Emulated {
  call(method: string, args: Fields, as?: string): Promise<Fields>;
  upload(path: string, body: Buffer, type: string): Promise<number>;
  close(): Promise<void>;
}

const ITS_TEAM = 'T000000001';
/** It allows each token 5000 calls an hour. */
const TOKENS = 40;
const TIMES = ['ts', 'message_ts', 'thread_ts', 'latest', 'oldest'];

export interface Seed {
  team: string;
  name: string;
  domain: string;
  botUser: string;
  botId: string;
  users: { name: string; real_name: string; email: string }[];
  channels: string[];
}

export async function emulate(world: World, seed: Seed): Promise<Emulated> {
  const inner = (index: number): string => `xoxb-inside-${index}`;
  const its = await createEmulator({
    service: 'slack',
    port: 0,
    hostname: '127.0.0.1',
    seed: {
      slack: {
        team: { name: seed.name, domain: seed.domain },
        users: seed.users,
        channels: seed.channels.map((name) => ({ name })),
        oauth_apps: [
          {
            app_id: world.appId,
            client_id: world.clientId,
            client_secret: world.clientSecret,
            name: 'Keepsake',
            redirect_uris: [],
            bot_id: seed.botId,
            bot_user_id: seed.botUser,
            bot_name: 'keepsake',
          },
        ],
        tokens: [
          ...Array.from({ length: TOKENS }, (_, index) => ({
            token: inner(index),
            type: 'bot',
            user_id: seed.botUser,
            bot_id: seed.botId,
            bot_user_id: seed.botUser,
            app_id: world.appId,
          })),
          ...seed.users.map(({ name }) => ({ token: `xoxp-inside-${name}`, type: 'user', user: name })),
        ],
        strict_scopes: true,
      },
    },
  });
  const base = its.url.replace('//localhost', '//127.0.0.1');
  const ours = new Map<string, string>();
  const theirs = new Map<string, string>();
  let turn = 0;

  const outward = (text: string): Fields => {
    const translated = text
      .replaceAll(ITS_TEAM, seed.team)
      .replaceAll(its.url, world.url)
      .replace(/"(\d{10}\.\d{6})"/g, (_, time: string) => {
        let known = ours.get(time);
        if (known === undefined) {
          known = world.ts();
          ours.set(time, known);
          theirs.set(known, time);
        }
        return `"${known}"`;
      });
    const parsed: unknown = JSON.parse(translated);
    if (!isFields(parsed)) throw new Error(`the emulator answered ${text.slice(0, 200)}`);
    return parsed;
  };

  return {
    async call(method, args, as) {
      const inward = { ...args };
      for (const name of TIMES)
        if (typeof inward[name] === 'string') inward[name] = theirs.get(inward[name]) ?? inward[name];
      const response = await fetch(`${base}/api/${method}`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${as === undefined ? inner(turn++ % TOKENS) : `xoxp-inside-${as}`}`,
          'content-type': 'application/json; charset=utf-8',
        },
        body: JSON.stringify(inward),
        signal: world.stopping.signal,
      });
      const text = await response.text();
      if (!response.ok)
        throw new Error(`the emulator answered ${method} with ${response.status}: ${text.slice(0, 200)}`);
      return outward(text);
    },
    async upload(path, body, type) {
      const response = await fetch(`${base}${path}`, {
        method: 'POST',
        headers: { 'content-type': type },
        body: new Uint8Array(body),
        signal: world.stopping.signal,
      });
      await response.arrayBuffer();
      return response.status;
    },
    close: () => its.close(),
  };
}
