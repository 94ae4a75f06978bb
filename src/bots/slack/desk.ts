/** What is done with each kind of event: acknowledged first, then said, opened or completed. */
import { isKeepsakeError } from '../../engine/errors.ts';
import type { SurfaceServices } from '../../engine/services.ts';
import type { Caller, Reply, Wanted } from '../../engine/types.ts';
import type { Answering, Chat, Place, Said } from '../chat/chat.ts';
import { slackOptions, slackPressed } from '../slack-render.ts';
import { createAnswering } from './answering.ts';
import type { Inbound, Respond } from './connection.ts';
import type { Drawing } from './drawing.ts';
import {
  commandSpoken,
  completionOf,
  eventEnterprise,
  eventTeam,
  isAnswer,
  type Json,
  messageSpoken,
  type Origin,
  type Press,
  pressOf,
  read,
  type ShortcutUse,
  shortcutOf,
  submissionOf,
  wordAt,
} from './events.ts';
import type { Home } from './home.ts';
import type { Installations } from './installations.ts';
import { filledIn, type Modals, notice } from './modals.ts';
import { createRecent } from './recent.ts';
import type { SlackScreen } from './screen.ts';
import { identityOf, type Speakers } from './speakers.ts';
import type { Workspaces } from './workspaces.ts';

/** Two presses of one button within this time are one. */
const DOUBLE_CLICK = 2_000;
/** Slack delivers an event again after a minute and after five. (docs.slack.dev/apis/events-api, "Retries") */
const REDELIVERY = 15 * 60_000;
/** Slack shows no options that come later than three seconds. */
const OPTIONS = 2_000;

const COMPLETED: readonly Wanted['of'][] = [
  'line',
  'command',
  'plan',
  'account',
  'kind',
  'source',
  'destination',
  'schedule',
  'file',
  'snapshot',
  'zone',
];

const gone: Reply = {
  tone: 'plain',
  title: 'This button is too old.',
  blocks: [
    { kind: 'text', text: 'What it was for is not kept any more, so nothing was done.' },
    { kind: 'choices', choices: [{ label: 'Am I safe?', line: 'status' }] },
  ],
  onlyForCaller: true,
};

const late: Reply = {
  tone: 'bad',
  title: 'The form could not be opened.',
  blocks: [
    { kind: 'text', text: 'Slack gives three seconds for it. Nothing was done; please press the button again.' },
  ],
  onlyForCaller: true,
};

/** Said without looking anything up: that may be just what failed. */
const unwell = {
  response_type: 'ephemeral',
  replace_original: false,
  text: 'I could not do that: something is wrong on my side. Nothing was changed. Please try it again in a minute.',
};

export interface Desk {
  handle(inbound: Inbound): Promise<void>;
}

export interface DeskOrder {
  chat: () => Chat;
  services: SurfaceServices;
  workspaces: Workspaces;
  /** Several workspaces only. */
  installations: Installations | undefined;
  speakers: Speakers;
  screen: SlackScreen;
  drawing: Drawing;
  modals: Modals;
  home: Home;
  signal: AbortSignal;
}

export function createDesk(o: DeskOrder): Desk {
  const { services, workspaces, speakers, screen, drawing, modals, home, signal } = o;
  const { clock, log } = services;
  const clicked = createRecent(DOUBLE_CLICK, clock);
  const delivered = createRecent(REDELIVERY, clock);

  /** Only the conversation of the bot with that very person is theirs alone: a "D…" may be two other people's. */
  async function placeOf(origin: Origin): Promise<Place> {
    const { channel } = origin;
    const conversation = `${origin.team}/${channel ?? ''}`;
    if (channel !== undefined && !channel.startsWith('D')) return { conversation, alone: false };
    try {
      const direct = await screen.direct(identityOf(origin), signal);
      return {
        conversation: channel === undefined ? direct : conversation,
        alone: channel === undefined || direct === conversation,
      };
    } catch (error) {
      if (signal.aborted) throw error;
      log('warn', 'slack.no_direct', { error });
      return { conversation, alone: false };
    }
  }

  const answering = (origin: Origin, where: Place, respond: Respond | undefined): Answering =>
    createAnswering({ origin, where, respond, screen, drawing, clock, log, signal });

  async function say(
    origin: Origin,
    line: string,
    respond: Respond | undefined,
    more: Pick<Said, 'about' | 'pressed'> = {},
  ): Promise<void> {
    if (delivered(origin.key)) return;
    const [where, by] = await Promise.all([placeOf(origin), speakers.of(origin)]);
    const said: Said = { line, key: origin.key, by, where, ...more };
    await o.chat().say(said, answering(origin, where, respond));
  }

  /** A question that was answered loses its buttons and says what was chosen. */
  async function settleQuestion({ blocks, label }: Press, respond: Respond | undefined): Promise<void> {
    const text = `You chose: ${label ?? 'an answer'}`;
    const chosen = { type: 'context', elements: [{ type: 'plain_text', text, emoji: false }] };
    const rest = (blocks ?? []).filter(({ type }) => type !== 'actions');
    await respond?.({ replace_original: true, text, blocks: [...rest, chosen] }).catch((error: unknown) =>
      log('warn', 'slack.question_stays', { error }),
    );
  }

  async function open(origin: Origin, trigger: string | undefined, view: unknown): Promise<string | undefined> {
    const { call } = await workspaces.of(origin.team, origin.enterprise);
    const opened = await call('views.open', { trigger_id: trigger, view });
    return wordAt(opened, 'view', 'id');
  }

  async function press(body: Json, respond: Respond | undefined): Promise<void> {
    const made = pressOf(body);
    const pressed = made && slackPressed(made.action);
    if (!made || !pressed || clicked(made.twice) || delivered(`press/${made.key}`)) return;
    const control = 'id' in pressed ? await services.controls.find(pressed.id) : pressed.control;
    const { form, line, about } = control ?? {};
    if (form !== undefined) {
      const { team, channel } = made;
      const conversation = channel === undefined ? {} : { conversation: `${team}/${channel}` };
      const carried = { form, ...(about === undefined ? {} : { about }) };
      const view = await modals.view({ control: carried, ...conversation });
      await open(made, made.trigger, view).catch(async (error: unknown) => {
        log('warn', 'slack.not_opened', { error });
        await answering(made, await placeOf(made), respond).show(late);
      });
      return;
    }
    if (line === undefined) {
      await answering(made, await placeOf(made), respond).show(gone);
      return;
    }
    if (isAnswer(line)) await settleQuestion(made, respond);
    await say(made, line, respond, {
      ...(about === undefined ? {} : { about }),
      ...(made.pressed === undefined ? {} : { pressed: made.pressed }),
    });
  }

  /** The modal that a shortcut is for; a sentence where there is nothing to fill in. */
  async function shortcutView(use: ShortcutUse): Promise<unknown> {
    const channel = use.channel === undefined ? undefined : `${use.team}/${use.channel}`;
    let about: Caller['about'];
    if (use.name === 'restore_this') {
      about =
        channel === undefined || use.message === undefined
          ? undefined
          : await o.chat().about(`${channel}/${use.message}`);
      if (about === undefined) {
        return notice(
          'Restore',
          'This message is not about a backup that I know, so there is nothing to restore from it. Use the shortcut on one of my reports, or say: restore',
        );
      }
    }
    const [where, by] = await Promise.all([placeOf(use), speakers.of(use)]);
    const said = { key: use.key, by, where, ...(about === undefined ? {} : { about }) };
    const form = await o.chat().form(use.name === 'restore_this' ? 'restore' : 'new', said);
    if (form === undefined) {
      return notice(
        'Not for you',
        'You may not do that here, or that backup is gone. Say whoami to me to see what I know about you.',
      );
    }
    const control = { form, ...(about === undefined ? {} : { about }) };
    return modals.view({ control, ...(channel === undefined ? {} : { conversation: channel }) });
  }

  /** Looking up takes longer than a modal may wait to be opened, so it opens first and is filled afterwards. */
  async function shortcut(body: Json): Promise<void> {
    const use = shortcutOf(body);
    if (!use || (use.name !== 'restore_this' && use.name !== 'new_backup') || delivered(use.key)) return;
    const title = use.name === 'restore_this' ? 'Restore' : 'New backup';
    const view = await open(use, use.trigger, notice(title, 'One moment…'));
    const filled = await shortcutView(use).catch((error: unknown) => {
      log('error', 'slack.shortcut', { error });
      return notice(title, 'I could not look that up. Nothing was done; please try again in a minute.');
    });
    const { call } = await workspaces.of(use.team, use.enterprise);
    await call('views.update', { view_id: view, view: filled });
  }

  async function submit({ body, ack, respond }: Inbound): Promise<void> {
    const sent = submissionOf(body);
    const remembered = sent && (await modals.remembered(sent.metadata));
    const { form, about } = remembered?.control ?? {};
    if (!sent || !form) {
      await ack();
      return;
    }
    const filled = filledIn(form, sent);
    if ('errors' in filled) {
      await ack({ response_action: 'errors', errors: filled.errors });
      return;
    }
    await ack();
    if (filled.line === undefined) return;
    const channel = remembered?.conversation?.split('/')[1];
    const origin = channel === undefined ? sent : { ...sent, channel };
    await say(origin, filled.line, respond, about === undefined ? {} : { about });
  }

  async function complete({ body, ack }: Inbound): Promise<void> {
    const asked = completionOf(body);
    const of = COMPLETED.find((one) => one === asked?.of);
    if (!asked || !of) {
      await ack({ options: [] });
      return;
    }
    const enough = new AbortController();
    const suggestions = await Promise.race([
      modals.remembered(asked.metadata).then((remembered) => {
        const plan = remembered?.control.form?.plan;
        const wanted: Wanted = { of, typed: asked.typed, ...(plan === undefined ? {} : { plan }) };
        return o.chat().suggest(wanted, speakers.known(asked));
      }),
      clock.sleep(OPTIONS, enough.signal).then(
        () => [],
        () => [],
      ),
    ]).catch((error: unknown) => {
      log('warn', 'slack.no_suggestions', { error });
      return [];
    });
    enough.abort();
    await ack({ options: slackOptions(asked.typed, suggestions) });
  }

  async function uninstalled(body: Json): Promise<void> {
    const id = eventTeam(body) ?? eventEnterprise(body);
    const revoked = read(body, 'event', 'tokens', 'bot');
    const ended = wordAt(body, 'event', 'type') === 'app_uninstalled' || (Array.isArray(revoked) && revoked.length > 0);
    if (id === undefined || !ended) return;
    log('warn', 'slack.uninstalled', { team: id });
    workspaces.forget(id);
    await o.installations?.remove(id);
  }

  async function event(body: Json): Promise<void> {
    switch (wordAt(body, 'event', 'type')) {
      case 'app_mention':
      case 'message': {
        const spoken = messageSpoken(body);
        if (spoken) await say(spoken, spoken.line, undefined);
        return;
      }
      case 'app_home_opened': {
        const team = eventTeam(body);
        const user = wordAt(body, 'event', 'user');
        if (team === undefined || user === undefined || wordAt(body, 'event', 'tab') === 'messages') return;
        const enterprise = eventEnterprise(body);
        const key = `home/${wordAt(body, 'event_id') ?? ''}`;
        await home.opened({ team, user, key, ...(enterprise === undefined ? {} : { enterprise }) });
        return;
      }
      case 'app_uninstalled':
      case 'tokens_revoked':
        await uninstalled(body);
    }
  }

  async function work(inbound: Inbound): Promise<void> {
    const { kind, body, ack, respond } = inbound;
    if (kind === 'submission') return submit(inbound);
    if (kind === 'options') return complete(inbound);
    await ack();
    if (kind === 'event') return event(body);
    if (kind === 'action') return press(body, respond);
    if (kind === 'shortcut') return shortcut(body);
    const spoken = commandSpoken(body);
    if (spoken) await say(spoken, spoken.line, respond);
  }

  return {
    async handle(inbound) {
      try {
        await work(inbound);
      } catch (error) {
        if (signal.aborted) return;
        const { kind } = inbound;
        log(isKeepsakeError(error) ? 'warn' : 'error', 'slack.not_handled', { kind, error });
        await inbound.respond?.({ ...unwell }).catch((cause: unknown) => log('warn', 'slack.silent', { error: cause }));
      }
    },
  };
}
