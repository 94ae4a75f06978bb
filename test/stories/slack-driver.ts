/** Slack as a surface of the stories: the loopback Slack is clicked and typed in, and read as its window shows it. */
import { createServer } from 'node:net';
import { createSlack } from '../../src/bots/slack.ts';
import { systemClock } from '../../src/engine/clock.ts';
import type { Clock } from '../../src/engine/types.ts';
import type { Fields, SlackMessage, SlackUser, SlackView } from '../servers/slack/types.ts';
import { type SlackServer, startSlack } from '../servers/slack.ts';
import { type Connected, connectChat, lookFor } from './chat-running.ts';
import type { DriverKind, Seen, Who } from './driver.ts';
import { FACTOR, holds } from './world.ts';

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
const each = (value: unknown): Fields[] => (Array.isArray(value) ? value.filter(isFields) : []);

/** The words of a block as they are read; buttons and menus left out. */
function textOf(block: unknown): string {
  if (!isFields(block)) return '';
  if (typeof block.text === 'string' && block.type !== 'link') return block.text;
  switch (block.type) {
    case 'actions':
    case 'divider':
      return '';
    case 'date':
      return String(block.fallback);
    case 'link':
      return String(block.text ?? block.url);
    case 'image':
      return String(block.alt_text);
    case 'rich_text_section':
    case 'rich_text_preformatted':
      return each(block.elements).map(textOf).join('');
    case 'table':
      return (Array.isArray(block.rows) ? block.rows : []).map((row) => each(row).map(textOf).join(' | ')).join('\n');
    default:
      return [block.text, ...each(block.fields), ...each(block.elements)].map(textOf).filter(Boolean).join('\n');
  }
}

const elements = (blocks: readonly Fields[]): Fields[] =>
  blocks.flatMap((block) => [...each(block.elements), block.element, block.accessory].filter(isFields));
const labelOf = (element: Fields): string => textOf(element.text);
const buttons = (blocks: readonly Fields[]): string[] =>
  elements(blocks)
    .filter(({ type }) => type === 'button')
    .map(labelOf);

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });

export const slackKind = (mode: 'socket' | 'http', profile: 'normal' | 'stingy' = 'normal'): DriverKind => ({
  name: `Slack over ${mode === 'socket' ? 'Socket Mode' : 'HTTP'}${profile === 'stingy' ? ', stingy' : ''}`,
  // Slack tells the zone; over HTTP there is no connection to lose.
  lacks: ['zone', 'closed', ...(mode === 'http' ? (['connection'] as const) : [])],
  async open() {
    // The pictures of a minute pass in seconds here, but people and sockets are as fast as ever.
    const server: SlackServer = await startSlack({ mode, profile, triggerWithin: 60_000 });
    const port = mode === 'http' ? await freePort() : 0;
    if (mode === 'http') server.setTarget(`http://127.0.0.1:${port}/slack/events`);
    let connected: Connected | undefined;
    let passed = 0;

    const users: Record<Who, SlackUser> = server.users;
    const person = (who: Who) => server.as(users[who]);
    const directs = new Map<Who, string>();
    for (const who of ['ana', 'ben', 'stranger'] as const) directs.set(who, await person(who).direct());

    const reads = (who: Who): SlackMessage[] =>
      [directs.get(who) ?? '', server.channels.backups]
        .flatMap((conversation) => person(who).reads(conversation))
        .filter((message) => message.fromBot || message.only !== undefined)
        .sort((a, b) => Number(a.ts) - Number(b.ts));

    const messageText = (message: SlackMessage): string =>
      message.blocks.length > 0 ? message.blocks.map(textOf).filter(Boolean).join('\n') : message.text;

    const newest = (who: Who, what: string, has: (message: SlackMessage) => boolean): Promise<SlackMessage> =>
      lookFor(`${what} (${who})`, () => reads(who).findLast(has));

    const withButton =
      (label: string | RegExp, on: string | RegExp | undefined) =>
      (message: SlackMessage): boolean =>
        buttons(message.blocks).some((text) => holds(text, label)) &&
        (on === undefined || holds(messageText(message), on));

    const exact = (message: SlackMessage, label: string | RegExp): string =>
      buttons(message.blocks).find((text) => text === label) ??
      buttons(message.blocks).find((text) => holds(text, label)) ??
      String(label);

    const form = (who: Who): Promise<SlackView> =>
      lookFor('a form', () =>
        server.views(users[who]).findLast((view) => view.open && view.blocks.some(({ type }) => type === 'input')),
      );

    async function send(who: Who, values: Record<string, string>): Promise<void> {
      const { errors } = await person(who).submit(await form(who), values);
      if (errors) throw new Error(`The form was refused: ${JSON.stringify(errors)}`);
    }

    return {
      name: `slack-${mode}`,
      environment: {
        SLACK_BOT_TOKEN: server.botToken,
        ...(mode === 'socket'
          ? { SLACK_APP_TOKEN: server.appToken }
          : { SLACK_SIGNING_SECRET: server.signingSecret, PORT: String(port) }),
        KEEPSAKE_ENDPOINT_SLACK: server.url,
      },
      identity: (who) => ({ surface: 'slack', id: `${server.team.id}/${users[who].id}` }),
      async connect(running) {
        const { slack, endpoints } = running.config;
        if (!slack) throw new Error('Slack is not set up.');
        const services = running.composed.surface();
        connected = await connectChat(
          createSlack({ config: slack, endpoint: String(endpoints.slack), port: running.config.port, services }),
          running,
        );
      },
      async disconnect() {
        await connected?.stop();
      },
      async say(who, line, o = {}) {
        const channel = o.in === 'channel' ? server.channels.backups : (directs.get(who) ?? '');
        const { failed } = await person(who).slash(line, { channel });
        if (failed) throw new Error(`Slack shows ${failed} for ${line}`);
      },
      async click(who, label, o = {}) {
        const message = await newest(who, `a button ${label}`, withButton(label, o.on));
        const pressed = exact(message, label);
        const presses = [
          person(who).click(message, pressed),
          ...(o.twice ? [person(who).click(message, pressed)] : []),
        ];
        for (const { failed } of await Promise.all(presses))
          if (failed) throw new Error(`Slack shows ${failed} for the button ${label}`);
      },
      async choose(who, menu, option) {
        const select = (message: SlackMessage): Fields | undefined =>
          elements(message.blocks).find(({ placeholder }) => holds(textOf(placeholder), menu));
        const message = await newest(who, `a menu ${menu}`, (one) => select(one) !== undefined);
        const label = each(select(message)?.options)
          .map(labelOf)
          .find((text) => holds(text, option));
        if (label === undefined) throw new Error(`The menu ${menu} has no ${option}.`);
        await person(who).choose(message, menu, label);
      },
      async fill(who, button, values) {
        const message = await newest(who, `a button ${button}`, withButton(button, undefined));
        await person(who).click(message, exact(message, button));
        await send(who, values);
      },
      async restoreThis(who, on, values) {
        const message = await newest(who, `a message ${on}`, (one) => holds(messageText(one), on));
        await person(who).shortcut('restore_this', message);
        await send(who, values);
      },
      seen: (who) =>
        reads(who).map(
          (message): Seen => ({
            text: messageText(message),
            buttons: buttons(message.blocks),
            where:
              message.only === undefined && message.conversation === server.channels.backups ? 'channel' : 'private',
            id: `${message.conversation}/${message.ts}`,
            edits: message.edits,
          }),
        ),
      async drop() {
        server.drop();
        // The cut is told a moment later: then the lost ones are counted no more.
        const opened = () => server.calls.filter(({ method }) => method === 'apps.connections.open').length;
        const before = opened();
        await lookFor('the connection', () => (opened() > before && server.connections() > 0 ? true : undefined));
      },
      storm() {
        server.limit('chat.update', { retryAfter: 1, times: 2 });
        server.limit('chat.postMessage', { retryAfter: 1, times: 1 });
      },
      expire: () => server.expire(),
      troubles: {
        // No history of channels is among the rights that the app asks for.
        looksInChannels: false,
        pass(ms) {
          passed += ms;
          // What Slack delivers again after minutes comes as much sooner as everything here.
          const sleep: Clock['sleep'] = (wait, signal) => systemClock.sleep(wait / FACTOR, signal);
          server.setClock({ now: () => new Date(Date.now() + passed), sleep });
        },
        async renew() {
          const before = server.connections();
          server.refresh('refresh_requested');
          await lookFor('the new connection', () => (server.connections() >= before ? true : undefined));
        },
        limit(times) {
          server.limit('chat.postMessage', { retryAfter: 1, times });
          server.limit('chat.update', { retryAfter: 1, times });
        },
        away: (times) => server.status('chat.postMessage', 503, times),
        lose: () => server.lose('chat.postMessage'),
        stall: () => server.stall('chat.postMessage'),
        write: async (who, words) => void (await person(who).dm(words)),
        counts: () => ({
          tooMany: server.calls.filter(({ status }) => status === 429).length,
          lost: server.calls.filter(({ status }) => status === 0).length,
          deliveredTwice: server.deliveries.filter(
            ({ attempt, payload }) => attempt > 0 && isFields(payload.event) && payload.event.bot_id === undefined,
          ).length,
          connections: server.calls.filter(({ method }) => method === 'apps.connections.open').length,
        }),
      },
      violations: () => [...server.violations],
      close: () => server.close(),
    };
  },
});
