/** How a bot answers interactions: the callback with its 3 seconds, and the token that edits and adds for 15 minutes. */
import { invalidForm, type Json, object, objects, Refusal, whole } from './json.ts';
import { type Body, createMessage, deleteMessage, editMessage, modalOpinion } from './messages.ts';
import { choiceProblems, modalProblems } from './payload.ts';
import { FLAG, messageShape } from './shapes.ts';
import { botMay, LIMITS, type Pending, type Stored, type World } from './world.ts';

export const ANSWER = { message: 4, defer: 5, deferUpdate: 6, update: 7, choices: 8, modal: 9 };
export const KIND = { command: 2, component: 3, autocomplete: 4, modal: 5 };

/** Which answers each kind of interaction takes. */
function allowed(pending: Pending, type: number): boolean {
  const { message, defer, deferUpdate, update, choices, modal } = ANSWER;
  if (pending.type === KIND.autocomplete) return type === choices;
  if (type === message || type === defer) return true;
  if (type === modal) return pending.type !== KIND.modal;
  if (type === deferUpdate || type === update)
    return pending.type === KIND.component || (pending.type === KIND.modal && pending.source !== undefined);
  return false;
}

function record(world: World, body: Body, code: number, message: string): void {
  world.violations.push({ method: body.method, path: body.path, code, message, problems: [] });
}

function making(pending: Pending, world: World, ephemeral: boolean) {
  return {
    channel: pending.channel,
    author: world.bot.id,
    interaction: pending.id,
    ...(ephemeral ? { onlyFor: pending.user } : {}),
  };
}

/** POST /interactions/:id/:token/callback. Answers the message that came of it, if one did. */
export function answer(world: World, id: string, token: string, body: Body): { pending: Pending; message?: Stored } {
  const pending = world.interactions.get(id);
  if (pending === undefined || pending.token !== token) throw new Refusal(404, 10062, 'Unknown interaction');
  const refuse = (refusal: Refusal): never => {
    pending.refused.push({ code: refusal.code, message: refusal.message });
    throw refusal;
  };
  const type = whole(body.json.type);
  const data = object(body.json.data);
  if (pending.ack !== undefined) {
    // A bot that was told twice and answers both cannot tell; one that was told once can.
    if (pending.deliveries < 2)
      record(
        world,
        body,
        40060,
        type === ANSWER.modal ? 'A modal was to be opened after another answer' : 'Two answers to one interaction',
      );
    return refuse(new Refusal(400, 40060, 'Interaction has already been acknowledged.'));
  }
  if (world.now() - pending.created > LIMITS.answer) return refuse(new Refusal(404, 10062, 'Unknown interaction'));
  if (!allowed(pending, type)) {
    const words = type === ANSWER.modal ? 'A modal cannot answer a modal' : `Answer ${type} does not fit here`;
    return refuse(invalidForm([{ path: 'type', code: 'INTERACTION_CALLBACK_TYPE_INVALID', message: words }]));
  }
  const message = perform(world, pending, type, { ...body, json: data });
  pending.ack = { type, ms: performance.now() - pending.sent };
  if (pending.type === KIND.modal) world.modals.delete(pending.user);
  world.changed();
  return { pending, ...(message === undefined ? {} : { message }) };
}

function perform(world: World, pending: Pending, type: number, body: Body): Stored | undefined {
  const { json: data } = body;
  const flags = whole(data.flags);
  if (type === ANSWER.message) {
    pending.original = createMessage(world, making(pending, world, (flags & FLAG.ephemeral) !== 0), body);
    return pending.original;
  }
  if (type === ANSWER.defer) {
    if (flags & ~FLAG.ephemeral) {
      const problem = {
        path: 'data.flags',
        code: 'DEFER_FLAGS_INVALID',
        message: 'A deferred answer may carry only EPHEMERAL',
      };
      throw invalidForm([problem]);
    }
    pending.original = createMessage(world, making(pending, world, flags !== 0), 'loading');
    return pending.original;
  }
  if (type === ANSWER.choices) {
    const problems = choiceProblems(data.choices);
    if (problems.length > 0) throw invalidForm(problems);
    pending.choices = objects(data.choices);
    return undefined;
  }
  if (type === ANSWER.modal) {
    const problems = modalProblems(data);
    if (problems.length > 0) throw invalidForm(problems.map((one) => ({ ...one, path: `data.${one.path}` })));
    modalOpinion(world, body, data);
    pending.modal = data;
    world.modals.set(pending.user, { modal: data, from: pending });
    return undefined;
  }
  const { source } = pending;
  if (source === undefined || source.deleted) throw new Refusal(404, 10008, 'Unknown Message');
  pending.original = source;
  return type === ANSWER.update ? editMessage(world, source, body) : source;
}

/** The 200 of `with_response=true`. */
export function callbackShape(world: World, pending: Pending, message: Stored | undefined): Json {
  return {
    interaction: {
      id: pending.id,
      type: pending.type,
      ...(message === undefined
        ? {}
        : {
            response_message_id: message.id,
            response_message_loading: message.loading,
            response_message_ephemeral: message.onlyFor !== undefined,
            channel_id: message.channel,
          }),
    },
    resource: {
      type: pending.ack?.type ?? 0,
      ...(message === undefined ? {} : { message: messageShape(world, message) }),
    },
  };
}

/** The interaction behind a webhook's token, while that token lives. */
function byToken(world: World, application: string, token: string): Pending {
  const pending = [...world.interactions.values()].findLast((one) => one.token === token);
  if (pending === undefined || application !== world.application || pending.ack === undefined)
    throw new Refusal(404, 10015, 'Unknown Webhook');
  if (world.now() - pending.created > LIMITS.token) throw new Refusal(401, 50027, 'Invalid Webhook Token');
  return pending;
}

function messageOf(pending: Pending, id: string): Stored {
  const known = [pending.original, ...pending.followups];
  const message = id === '@original' ? pending.original : known.find((one) => one?.id === id);
  if (message === undefined || message.deleted) throw new Refusal(404, 10008, 'Unknown Message');
  return message;
}

/** The routes below /webhooks/:application/:token. */
export const webhook = {
  post(world: World, application: string, token: string, body: Body): Stored {
    const pending = byToken(world, application, token);
    // Kept for old bots: the first follow-up takes the place of "is thinking", and cannot change who sees it.
    if (pending.ack?.type === ANSWER.defer && pending.original?.loading)
      return editMessage(world, pending.original, body);
    const ephemeral = (whole(body.json.flags) & FLAG.ephemeral) !== 0;
    const message = createMessage(world, making(pending, world, ephemeral), body);
    pending.followups.push(message);
    return message;
  },
  get: (world: World, application: string, token: string, id: string): Stored =>
    messageOf(byToken(world, application, token), id),
  patch(world: World, application: string, token: string, id: string, body: Body): Stored {
    const pending = byToken(world, application, token);
    return editMessage(world, messageOf(pending, id), body);
  },
  delete(world: World, application: string, token: string, id: string): void {
    deleteMessage(world, messageOf(byToken(world, application, token), id));
  },
};

/** A message the bot addresses by channel: an ephemeral one cannot be. */
export function channelMessage(world: World, channel: string, id: string, own: boolean): Stored {
  botMay(world, channel, false);
  const message = world.messages.get(id);
  if (message === undefined || message.channel !== channel || message.deleted || message.onlyFor !== undefined)
    throw new Refusal(404, 10008, 'Unknown Message');
  if (own && message.author !== world.bot.id)
    throw new Refusal(403, 50005, 'Cannot edit a message authored by another user');
  return message;
}
