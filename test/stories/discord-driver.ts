/** Discord as a surface of the stories: the loopback Discord is clicked and typed in, and read as its window shows it. */
import { createDiscord } from '../../src/bots/discord.ts';
import { type Interaction, type Message, startDiscord } from '../servers/discord.ts';
import { type Connected, connectChat, lookFor } from './chat-running.ts';
import type { DriverKind, Seen, Who } from './driver.ts';
import { holds } from './world.ts';

/** As it is read: marks taken away, escaped characters as they are. */
const asRead = (markdown: string): string =>
  markdown.replace(/(?<!\\)(\*\*|^#{1,3} |^-# )/gm, '').replace(/\\([^a-zA-Z0-9\s])/g, '$1');

const EDITS = 'PATCH /channels/:channel/messages/:message';
const POSTS = 'POST /channels/:channel/messages';

export const discordKind = (profile: 'normal' | 'stingy' = 'normal'): DriverKind => ({
  name: `Discord${profile === 'stingy' ? ', stingy' : ''}`,
  lacks: [],
  async open() {
    const server = await startDiscord({ profile });
    let connected: Connected | undefined;
    const said: Interaction[] = [];
    const person = (who: Who) => server.as(who);

    const reads = (who: Who): Message[] =>
      [...server.dms(who), ...server.ephemerals(who), ...server.messages('backups')]
        .filter((message) => !message.deleted && !message.loading && (message.author !== who || message.ephemeral))
        .sort((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1));
    const textOf = (message: Message): string => asRead(message.text);

    const newest = (who: Who, what: string, has: (message: Message) => boolean): Promise<Message> =>
      lookFor(`${what} (${who})`, () => reads(who).findLast(has));
    const button = (message: Message, label: string | RegExp) =>
      message.buttons.find((one) => one.label === label && !one.disabled) ??
      message.buttons.find((one) => holds(one.label, label) && !one.disabled);
    const withButton = (label: string | RegExp, on?: string | RegExp) => (message: Message) =>
      button(message, label) !== undefined && (on === undefined || holds(textOf(message), on));

    /** What the person would see in red. */
    async function taken(interaction: { acked(): Promise<unknown>; failed(): unknown }, what: string): Promise<void> {
      await interaction.acked();
      const failed = interaction.failed();
      if (failed) throw new Error(`Discord shows "${String(failed)}" for ${what}`);
    }

    async function send(who: Who, values: Record<string, string>): Promise<void> {
      const modal = await person(who).modal();
      // A menu is chosen from, a question is answered.
      await taken(await person(who).submit(modal, values), modal.title);
    }

    return {
      name: 'discord',
      environment: { DISCORD_TOKEN: server.token, KEEPSAKE_ENDPOINT_DISCORD: server.url },
      identity: (who) => ({ surface: 'discord', id: server.user(who) }),
      async connect(running) {
        const { discord, endpoints } = running.config;
        if (!discord) throw new Error('Discord is not set up.');
        const services = running.composed.surface();
        connected = await connectChat(
          createDiscord({ ...discord, endpoint: String(endpoints.discord), services }),
          running,
        );
      },
      async disconnect() {
        await connected?.stop();
      },
      async say(who, line, o = {}) {
        const where = o.in === 'channel' ? { channel: 'backups' } : { dm: true };
        const interaction = await (line === ''
          ? person(who).slash('backup', 'status', {}, where)
          : person(who).slash('backup', 'ask', { request: line }, where));
        said.push(interaction);
        await taken(interaction, line);
      },
      async click(who, label, o = {}) {
        const message = await newest(who, `a button ${label}`, withButton(label, o.on));
        const id = button(message, label)?.customId ?? '';
        const presses = [person(who).click(message, id), ...(o.twice ? [person(who).click(message, id)] : [])];
        for (const press of await Promise.all(presses)) await taken(press, `the button ${label}`);
      },
      async choose(who, menu, option) {
        const has = (message: Message) => message.menus.find(({ placeholder }) => placeholder.includes(menu));
        const message = await newest(who, `a menu ${menu}`, (one) => has(one) !== undefined);
        const found = has(message);
        const label = found?.options.find((one) => holds(one.label, option))?.label;
        if (found === undefined || label === undefined) throw new Error(`The menu ${menu} has no ${option}.`);
        await taken(await person(who).choose(message, found.placeholder, label), `the menu ${menu}`);
      },
      async fill(who, label, values) {
        const message = await newest(who, `a button ${label}`, withButton(label));
        await person(who).click(message, button(message, label)?.customId ?? '');
        await send(who, values);
      },
      async restoreThis(who, on, values) {
        const message = await newest(who, `a message ${on}`, (one) => holds(textOf(one), on));
        await person(who).messageCommand('Restore this', message);
        await send(who, values);
      },
      seen: (who) =>
        reads(who).map(
          (message): Seen => ({
            text: textOf(message),
            buttons: message.buttons.map((one) => one.label),
            where: message.channel === server.channel('backups') && !message.ephemeral ? 'channel' : 'private',
            id: message.id,
            edits: message.edits,
          }),
        ),
      async drop() {
        server.gateway.drop();
        await server.online(10_000);
      },
      storm() {
        server.limit(EDITS, 3, { after: 300 });
        server.limit(POSTS, 1, { after: 300 });
      },
      expire: () => server.pass(16 * 60_000),
      troubles: {
        looksInChannels: true,
        pass: (ms) => server.pass(ms),
        async renew() {
          const { resumes, identifies } = server.gateway.counts;
          server.gateway.reconnect();
          const { counts, ready } = server.gateway;
          await lookFor('the new connection', () =>
            counts.resumes + counts.identifies > resumes + identifies && ready() ? true : undefined,
          );
        },
        limit(times) {
          server.limit(EDITS, times, { after: 300 });
          server.limit(POSTS, times, { after: 300 });
        },
        away: (times) => server.fail(POSTS, 503, times),
        lose: () => server.lose(POSTS, 1),
        stall: () => server.lose(POSTS, 1, { stalls: true }),
        write: async (who, words) => void (await person(who).dm(words)),
        counts: () => ({
          tooMany: server.requests.filter(({ status }) => status === 429).length,
          lost: server.requests.filter(({ status }) => status === 0).length,
          deliveredTwice: said.filter((one) => one.deliveries() > 1).length,
          connections: server.gateway.counts.identifies + server.gateway.counts.resumes,
        }),
      },
      closeDirect: (who) => person(who).takesDirect(false),
      violations: () =>
        server.violations.map(({ method, path, message, problems }) => `${method} ${path}: ${message} ${problems}`),
      close: () => server.close(),
    };
  },
});
