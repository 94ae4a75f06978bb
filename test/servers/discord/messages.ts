/** Messages on the fake Discord: made, edited, removed, as the REST routes and the interaction answers both do it. */
import { discordModalProblems, discordProblems } from '../../contract/discord-limits.ts';
import { invalidForm, type Json, object, objects, Refusal, text, whole } from './json.ts';
import { type Draft, messageProblems } from './payload.ts';
import { FLAG, messageShape, numbered, words } from './shapes.ts';
import type { Stored, StoredFile, World } from './world.ts';

/** A file of a multipart body: `files[n]`. */
export interface Upload {
  index: number;
  name: string;
  mime: string;
  bytes: Uint8Array;
}

/** What a body says, before it is known where. */
export interface Body {
  json: Json;
  files: Upload[];
  /** For the record of what went wrong. */
  method: string;
  path: string;
}

const MENTION = /<@!?(\d+)>/g;

/**
 * A second opinion, written down by somebody else: what the contract of the renderer finds is recorded and not refused.
 * It judges the message as it will stand, since an edit leaves things out.
 */
function secondOpinion(world: World, body: Body, next: Stored): void {
  const { content, embeds } = body.json;
  const v2 = next.flags & FLAG.componentsV2;
  const found = discordProblems({
    flags: next.flags,
    components: next.components,
    ...(v2 ? { content, embeds } : { content: next.content, embeds: next.embeds }),
    files: next.files.map(({ name, description, bytes }) => ({ name, alt: description, bytes })),
    allowed_mentions: { parse: [] },
  });
  for (const problem of found) record(world, body, problem);
}

export function modalOpinion(world: World, body: Body, modal: Json): void {
  for (const problem of discordModalProblems(modal)) record(world, body, problem);
}

function record(world: World, body: Body, message: string): void {
  world.violations.push({ method: body.method, path: body.path, code: 0, message, problems: [] });
}

/** Words that came from somebody else must not be able to call everybody. */
function pings(world: World, body: Body, said: string): { mentions: string[]; everyone: boolean } {
  const allowed = body.json.allowed_mentions;
  const parse = object(allowed).parse;
  if (said !== '' && (!Array.isArray(parse) || parse.length > 0))
    record(world, body, 'allowed_mentions is not { parse: [] }, so that a file name may call @everyone');
  const all = allowed === undefined || allowed === null;
  const may = (kind: string): boolean => all || (Array.isArray(parse) && parse.includes(kind));
  const named = [...said.matchAll(MENTION)].map(([, id]) => id ?? '').filter((id) => world.users.has(id));
  const users = Array.isArray(object(allowed).users) ? new Set(object(allowed).users as unknown[]) : new Set();
  return {
    mentions: [...new Set(named)].filter((id) => may('users') || users.has(id)),
    everyone: may('everyone') && /@(everyone|here)\b/.test(said),
  };
}

function filesOf(world: World, body: Body, old: readonly StoredFile[]): StoredFile[] {
  const listed = body.json.attachments;
  const notes = objects(listed);
  const kept = Array.isArray(listed) ? old.filter(({ id }) => notes.some((note) => String(note.id) === id)) : [...old];
  const added = body.files.map(({ index, name, mime, bytes }) => {
    const note = notes.find((one) => String(one.id) === String(index));
    const description = text(note?.description);
    return {
      id: world.newId(),
      name: text(note?.filename) || name,
      mime,
      bytes,
      ...(description ? { description } : {}),
    };
  });
  const unknown = notes.find(
    (note) =>
      !old.some(({ id }) => id === String(note.id)) &&
      !body.files.some(({ index }) => String(index) === String(note.id)),
  );
  if (unknown !== undefined)
    throw invalidForm([
      {
        path: 'attachments',
        code: 'ATTACHMENT_NOT_FOUND',
        message: `No file was sent for attachment ${String(unknown.id)}`,
      },
    ]);
  return [...kept, ...added];
}

/** Throws as Discord does if this cannot be a message. */
function checked(draft: Draft): void {
  const problems = messageProblems(draft);
  if (problems.length > 0) throw invalidForm(problems);
  const some = draft.content.trim() !== '' || draft.embeds.length + draft.components.length + draft.files.length > 0;
  if (!some) throw new Refusal(400, 50006, 'Cannot send an empty message');
}

export interface Making {
  channel: string;
  author: string;
  onlyFor?: string;
  interaction?: string;
}

const draftOf = (message: Stored): Draft => ({ ...message, files: message.files.map(({ name }) => name) });

/** A bot may ask for a few flags; the others are Discord's. */
const SETTABLE = 4 | FLAG.ephemeral | 4096 | FLAG.componentsV2;

function fill(world: World, message: Stored, body: Body): void {
  const { json } = body;
  const embeds = json.embeds === undefined ? message.embeds : objects(json.embeds);
  const components = json.components === undefined ? message.components : numbered(json.components);
  const content = json.content === undefined ? message.content : text(json.content);
  const asked = whole(json.flags);
  const next: Stored = {
    ...message,
    content,
    embeds,
    components,
    flags: message.flags | (asked & SETTABLE & ~FLAG.ephemeral),
    files: filesOf(world, body, message.files),
  };
  checked(draftOf(next));
  secondOpinion(world, body, next);
  const said = json.content === undefined && json.components === undefined ? '' : words(next);
  Object.assign(message, next, pings(world, body, said));
}

/** A new message; nothing is kept if it is refused. `loading`: "is thinking". */
export function createMessage(world: World, making: Making, body: Body | 'loading'): Stored {
  const message: Stored = {
    id: world.newId(),
    content: '',
    embeds: [],
    components: [],
    flags: making.onlyFor === undefined ? 0 : FLAG.ephemeral,
    files: [],
    loading: body === 'loading',
    edits: 0,
    deleted: false,
    at: world.now(),
    mentions: [],
    everyone: false,
    ...making,
  };
  if (body !== 'loading') {
    const nonce = body.json.nonce;
    if (nonce !== undefined && nonce !== null) {
      if (String(nonce).length > 25)
        throw invalidForm([{ path: 'nonce', code: 'BASE_TYPE_MAX_LENGTH', message: 'Must be 25 or fewer in length.' }]);
      const earlier = [...world.messages.values()].findLast(
        (one) => one.nonce === String(nonce) && one.author === making.author,
      );
      if (body.json.enforce_nonce === true && earlier !== undefined && world.now() - earlier.at < NONCE_KEPT)
        return earlier;
      message.nonce = String(nonce);
    }
    const reference = text(object(body.json.message_reference).message_id);
    if (reference !== '') message.replyTo = reference;
    fill(world, message, body);
  }
  world.messages.set(message.id, message);
  announce(world, 'MESSAGE_CREATE', message);
  return message;
}

/** "The past few minutes", say Discord's pages. */
const NONCE_KEPT = 5 * 60_000;

export function editMessage(world: World, message: Stored, body: Body): Stored {
  const asked = body.json.flags;
  if (typeof asked === 'number' && message.flags & FLAG.componentsV2 && (whole(asked) & FLAG.componentsV2) === 0)
    throw invalidForm([
      {
        path: 'flags',
        code: 'MESSAGE_FLAG_CANNOT_BE_REMOVED',
        message: 'IS_COMPONENTS_V2 cannot be removed from a message',
      },
    ]);
  fill(world, message, body);
  if (message.loading) message.loading = false;
  else {
    message.edits += 1;
    message.editedAt = world.now();
  }
  announce(world, 'MESSAGE_UPDATE', message);
  return message;
}

export function deleteMessage(world: World, message: Stored): void {
  message.deleted = true;
  announce(world, 'MESSAGE_DELETE', message);
}

export function announce(world: World, event: string, message: Stored): void {
  const channel = world.channels.get(message.channel);
  const about = { message, ...(channel === undefined ? {} : { channel }) };
  if (message.onlyFor === undefined)
    world.emit(
      event,
      event === 'MESSAGE_DELETE'
        ? { id: message.id, channel_id: message.channel, ...(channel?.guild ? { guild_id: channel.guild } : {}) }
        : messageShape(world, message, { event: true }),
      about,
    );
  world.changed();
}
