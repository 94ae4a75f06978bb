import { createDiscord } from '../../src/bots/discord.ts';
import { type Message, startDiscord } from '../servers/discord.ts';
import { type Connected, connectChat, lookFor } from './chat-running.ts';
import type { DriverKind, Seen, Who } from './driver.ts';
import { play } from './play.ts';
import { holds } from './world.ts';

const plain = (text: string): string =>
  text.replace(/\\([^\w\s])/g, '$1').replace(/^### /gm, '').replace(/^-# /gm, '').replaceAll('**', '').replaceAll('`', '');

const kind: DriverKind = {
  name: 'Discord (trial)',
  lacks: [],
  async open() {
    let now = () => new Date();
    const server = await startDiscord({ clock: { now: () => now() }, profile: process.env.STINGY ? 'stingy' : 'normal' });
    if (process.env.STINGY) server.as('ben').takesDirect(true);
    let connected: Connected | undefined;
    const reads = (who: Who): Message[] =>
      [...server.dms(who), ...server.ephemerals(who), ...server.messages('backups')]
        .filter((m) => !m.loading && m.author !== who)
        .sort((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1));
    const newest = (who: Who, what: string, has: (m: Message) => boolean) =>
      lookFor(`${what} (${who})`, () => reads(who).findLast(has));
    const withButton = (label: string | RegExp, on?: string | RegExp) => (m: Message) =>
      m.buttons.some((b) => holds(b.label, label)) && (on === undefined || holds(plain(m.text), on));
    const exact = (m: Message, label: string | RegExp): string =>
      (m.buttons.find((b) => b.label === label) ?? m.buttons.find((b) => holds(b.label, label)))?.label ?? String(label);
    const send = async (who: Who, values: Record<string, string>) => {
      const modal = await server.as(who).modal();
      const real: Record<string, string | string[]> = {};
      for (const [label, value] of Object.entries(values)) {
        const field = modal.fields.find((f) => f.label === label);
        real[label] = field && field.options.length > 0 ? [value] : value;
      }
      const sent = await server.as(who).submit(modal, real);
      await sent.acked();
    };
    return {
      name: 'discord',
      environment: { DISCORD_TOKEN: server.token, KEEPSAKE_ENDPOINT_DISCORD: server.url },
      identity: (who) => ({ surface: 'discord', id: server.user(who) }),
      async connect(running) {
        const { discord, endpoints } = running.config;
        if (!discord) throw new Error('no discord');
        connected = await connectChat(
          createDiscord({ ...discord, endpoint: String(endpoints.discord), services: running.composed.surface() }),
          running,
        );
      },
      async disconnect() {
        await connected?.stop();
      },
      async say(who, line, o = {}) {
        const asked = await server.as(who).slash('backup', 'ask', { request: line }, o.in === 'channel' ? { channel: 'backups' } : { dm: true });
        await asked.acked();
      },
      async click(who, label, o = {}) {
        const m = await newest(who, `a button ${label}`, withButton(label, o.on));
        const pressed = [server.as(who).click(m, exact(m, label)), ...(o.twice ? [server.as(who).click(m, exact(m, label))] : [])];
        for (const one of await Promise.all(pressed)) await one.acked();
      },
      async choose(who, menu, option) {
        const m = await newest(who, `a menu ${menu}`, (one) => one.menus.some((x) => holds(x.placeholder, menu)));
        const found = m.menus.find((x) => holds(x.placeholder, menu));
        const label = found?.options.find((x) => holds(x.label, option))?.label ?? '';
        await (await server.as(who).choose(m, found?.placeholder ?? '', label)).acked();
      },
      async fill(who, button, values) {
        const m = await newest(who, `a button ${button}`, withButton(button));
        await server.as(who).click(m, exact(m, button));
        await send(who, values);
      },
      async restoreThis(who, on, values) {
        const m = await newest(who, `a message ${on}`, (one) => holds(plain(one.text), on) && !one.ephemeral);
        await server.as(who).messageCommand('Restore this', m);
        await send(who, values);
      },
      seen: (who) =>
        reads(who).map((m): Seen => ({
          text: plain(m.text),
          buttons: m.buttons.map((b) => b.label),
          where: m.channel === server.channel('backups') && !m.ephemeral ? 'channel' : 'private',
          id: m.id,
          edits: m.edits,
        })),
      async drop() {
        const before = server.gateway.counts.resumes + server.gateway.counts.identifies;
        server.gateway.drop();
        await lookFor('the connection', () => (server.gateway.counts.resumes + server.gateway.counts.identifies > before && server.gateway.ready() ? true : undefined));
      },
      storm() {
        server.limit(/^PATCH \/channels/, 2, { after: 1000 });
        server.limit(/^POST \/channels/, 1, { after: 1000 });
      },
      expire: () => server.pass(20 * 60_000),
      closeDirect: (who) => server.as(who).takesDirect(false),
      violations: () => server.violations.map((v) => JSON.stringify(v)),
      close: () => server.close(),
    };
  },
};
play(kind);
