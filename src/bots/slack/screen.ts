/** The bot's own messages in Slack: posted once, edited in place without delaying anything, found again by `T1/C1/ts`. */
import { NotAllowed, NotFound, RetryLater } from '../../engine/errors.ts';
import type { Clock, Log, Reply } from '../../engine/types.ts';
import type { ChatScreen } from '../chat/chat.ts';
import type { SlackUpload } from '../slack-render.ts';
import type { Drawing } from './drawing.ts';
import { read, wordAt } from './events.ts';
import type { Call } from './failure.ts';
import type { Workspaces } from './workspaces.ts';

/** A pause that a person waits through; the outbox waits through longer ones. */
const SHORT_PAUSE = 10_000;
const TRIES = 3;
/** Messages looked at for an earlier try. */
const LOOK_BACK = 50;
const MOST_CONVERSATIONS = 5_000;
const MOST_UPLOADS = 1_000;

const missing = (what: string): NotFound => new NotFound(`${what} is not a place in Slack.`, { code: 'message_gone' });

/** Parts of `T1/C1` or `T1/C1/ts`. */
function parts(reference: string): { team: string; channel: string; ts: string } {
  const [team, channel, ts] = reference.split('/');
  if (!team || !channel) throw missing(reference);
  return { team, channel, ts: ts ?? '' };
}

/** At the end of the program: a post under way is waited for, or nobody would know whether it arrived. */
const LAST_ANSWER = 2_000;

/** Rejects with the signal's reason at once when it is aborted; the call itself ends by its own time limit. */
export async function within<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  if (signal === undefined) return work;
  work.catch(() => {});
  signal.throwIfAborted();
  let stop = (): void => {};
  const ended = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, ended]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

export interface SlackScreen extends ChatScreen {
  /** A message that one person alone sees. `NotAllowed` where the bot is not in the conversation. */
  whisper(conversation: string, user: string, reply: Reply, thread: string | undefined): Promise<void>;
  /** Files for one person, in their direct conversation. */
  hand(person: string, reply: Reply): Promise<void>;
}

export function createScreen(o: {
  workspaces: Workspaces;
  drawing: Drawing;
  clock: Clock;
  log: Log;
  changed(person: string): void;
}): SlackScreen {
  const { workspaces, drawing, clock, log } = o;
  const conversations = new Map<string, string>();
  /** Files that were put below a card already: its last state may be shown twice. */
  const uploaded = new Set<string>();

  /** As `within`, a moment later. */
  async function answeredBy<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const done = new AbortController();
    try {
      return await within(signal, work);
    } catch (error) {
      if (!signal?.aborted) throw error;
      const late = clock.sleep(LAST_ANSWER, done.signal).then(() => Promise.reject(signal.reason));
      return await Promise.race([work, late]);
    } finally {
      done.abort();
    }
  }

  /** Waits where Slack asks for a short pause: it refused before it did anything, so the call is safe to repeat. */
  async function patiently(call: Call, method: string, args: Record<string, unknown>, signal: AbortSignal | undefined) {
    for (let tried = 1; ; tried++) {
      try {
        signal?.throwIfAborted();
        const answer = call(method, args);
        return await (method === 'chat.postMessage' ? answeredBy(answer, signal) : within(signal, answer));
      } catch (error) {
        const after = error instanceof RetryLater ? error.after : undefined;
        if (after === undefined || after > SHORT_PAUSE || tried === TRIES) throw error;
        await clock.sleep(after, signal);
      }
    }
  }

  async function upload(call: Call, channel: string, thread: string | undefined, files: readonly SlackUpload[]) {
    for (const { name, bytes, alt } of files) {
      try {
        await call('files.uploadV2', {
          channel_id: channel,
          ...(thread === undefined ? {} : { thread_ts: thread }),
          file: Buffer.from(bytes),
          filename: name,
          title: name,
          alt_text: alt,
        });
      } catch (error) {
        log('warn', 'slack.not_uploaded', { name, error });
        const text = `The file ${name.replace(/[&<>]/g, '_')} could not be put here. The terminal shows it.`;
        await call('chat.postMessage', { channel, text, ...(thread === undefined ? {} : { thread_ts: thread }) });
      }
    }
  }

  /** The message of an earlier try that arrived though its answer did not. Only of direct conversations may we read. */
  async function earlier(call: Call, channel: string, key: string, signal: AbortSignal): Promise<string | undefined> {
    if (!channel.startsWith('D')) return undefined;
    const { messages } = await patiently(
      call,
      'conversations.history',
      { channel, limit: LOOK_BACK, include_all_metadata: true },
      signal,
    );
    const found = (Array.isArray(messages) ? messages : []).find(
      (message) => read(message, 'metadata', 'event_payload', 'key') === key,
    );
    return wordAt(found, 'ts');
  }

  return {
    surface: 'slack',

    async post(conversation, reply, { key, again, signal }) {
      const { team, channel } = parts(conversation);
      const { call } = await workspaces.of(team);
      if (again) {
        const there = await earlier(call, channel, key, signal);
        if (there !== undefined) return `${team}/${channel}/${there}`;
      }
      const { text, blocks, uploads } = await drawing.message(reply);
      const posted = await patiently(
        call,
        'chat.postMessage',
        {
          channel,
          text,
          blocks,
          unfurl_links: false,
          unfurl_media: false,
          metadata: { event_type: 'keepsake', event_payload: { key } },
        },
        signal,
      );
      const ts = wordAt(posted, 'ts');
      const where = wordAt(posted, 'channel') ?? channel;
      if (ts === undefined) throw missing('What Slack answered to a message');
      await upload(call, where, ts, uploads);
      return `${team}/${where}/${ts}`;
    },

    async edit(reference, reply, signal) {
      const { team, channel, ts } = parts(reference);
      const { call, edit } = await workspaces.of(team);
      const { text, blocks, uploads } = await drawing.message(reply);
      await within(signal, edit('chat.update', { channel, ts, text, blocks }));
      const fresh = uploads.filter(({ name, bytes }) => !uploaded.has(`${reference}/${name}/${bytes.byteLength}`));
      if (fresh.length === 0) return;
      if (uploaded.size >= MOST_UPLOADS) uploaded.clear();
      for (const { name, bytes } of fresh) uploaded.add(`${reference}/${name}/${bytes.byteLength}`);
      await upload(call, channel, ts, fresh);
    },

    async direct(person, signal) {
      const there = conversations.get(person);
      if (there !== undefined) return there;
      const { team, channel: user } = parts(person);
      const { call } = await workspaces.of(team);
      const opened = await patiently(call, 'conversations.open', { users: user }, signal);
      const channel = wordAt(opened, 'channel', 'id');
      if (channel === undefined) {
        throw new NotAllowed('Slack opens no direct conversation with this person.', { code: 'closed' });
      }
      const conversation = `${team}/${channel}`;
      if (conversations.size >= MOST_CONVERSATIONS) conversations.clear();
      conversations.set(person, conversation);
      return conversation;
    },

    async link(reference, signal) {
      const { team, channel, ts } = parts(reference);
      try {
        const { call } = await workspaces.of(team);
        return wordAt(await within(signal, call('chat.getPermalink', { channel, message_ts: ts })), 'permalink');
      } catch (error) {
        if (signal.aborted) throw error;
        log('warn', 'slack.no_link', { error });
        return undefined;
      }
    },

    changed: o.changed,

    async whisper(conversation, user, reply, thread) {
      const { team, channel } = parts(conversation);
      const { call } = await workspaces.of(team);
      const { text, blocks } = await drawing.message(reply);
      await patiently(
        call,
        'chat.postEphemeral',
        { channel, user, text, blocks, ...(thread === undefined ? {} : { thread_ts: thread }) },
        undefined,
      );
    },

    async hand(person, reply) {
      const { uploads } = await drawing.message(reply);
      if (uploads.length === 0) return;
      const conversation = await this.direct(person, AbortSignal.timeout(SHORT_PAUSE));
      const { team, channel } = parts(conversation);
      const { call } = await workspaces.of(team);
      await upload(call, channel, undefined, uploads);
    },
  };
}
