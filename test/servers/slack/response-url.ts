/** response_url: five uses within thirty minutes. (docs.slack.dev/interactivity/handling-user-interaction) */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { contentProblem, replaced, shown } from './chat-methods.ts';
import { bodyOf, send } from './method.ts';
import type { Fields, SlackMessage, SlackUser } from './types.ts';
import { channelOf, isFields, type ResponseUrl, type World, word, workspaceOf } from './world.ts';

const USES = 5;
const LIVES = 30 * 60_000;

export function responseUrl(world: World, by: SlackUser, conversation: string, message?: SlackMessage): string {
  const id = world.id('').toLowerCase();
  world.responseUrls.set(id, {
    id,
    user: by.id,
    workspace: by.workspace,
    conversation,
    made: world.clock.now().getTime(),
    uses: 0,
    message,
  });
  return `${world.url}/actions/${by.workspace}/${id}/keepsake`;
}

export async function respond(
  world: World,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<void> {
  const body = await bodyOf(request);
  const known = world.responseUrls.get(url.pathname.split('/')[3] ?? '');
  const fail = (status: number, error: string): void => {
    world.refusals.push(`response_url: ${error}`);
    send(response, status, { ok: false, error });
    world.changed();
  };
  if (known === undefined) {
    world.blame('response_url: nobody gave it out');
    return fail(404, 'no_such_url');
  }
  if (known.uses >= USES) return fail(404, 'used_url');
  if (world.clock.now().getTime() - known.made > LIVES) return fail(404, 'expired_url');
  known.uses++;
  let payload: unknown;
  try {
    payload = JSON.parse(body.toString());
  } catch {
    payload = undefined;
  }
  if (!isFields(payload)) {
    world.blame('response_url: the body is not JSON');
    return fail(400, 'invalid_payload');
  }
  if (payload.delete_original === true) {
    if (known.message !== undefined) known.message.deleted = true;
    send(response, 200, 'ok');
    return world.changed();
  }
  const former = payload.replace_original === true ? known.message : undefined;
  const problem = contentProblem(world, 'response_url', payload, former);
  if (problem !== undefined) return fail(400, word(problem.error));
  await posted(world, known, payload, 'response_url');
  send(response, 200, 'ok');
}

/** What an app says to one event: to the one person, unless it asks for everybody. */
export async function posted(world: World, to: ResponseUrl, payload: Fields, via: string): Promise<void> {
  if (payload.replace_original === true && to.message !== undefined && !to.message.deleted) {
    if (to.message.only === undefined && via === 'response_url')
      await workspaceOf(world, to.workspace).emulated.call('chat.update', {
        channel: to.conversation,
        ts: to.message.ts,
        text: payload.text,
        blocks: payload.blocks,
      });
    replaced(world, to.message, payload);
    return;
  }
  const workspace = workspaceOf(world, to.workspace);
  const channel = channelOf(workspace, to.conversation);
  const loud = payload.response_type === 'in_channel';
  let ts = world.ts();
  // The bot may answer where it is no member; then nobody can find the message again by its name.
  if (loud && channel?.members.includes(workspace.botUser) === true) {
    const answer = await workspace.emulated.call('chat.postMessage', {
      channel: channel.id,
      text: payload.text,
      blocks: payload.blocks,
    });
    if (answer.ok === true) ts = word(answer.ts);
  }
  to.message = shown(world, {
    workspace: to.workspace,
    conversation: to.conversation,
    ts,
    by: workspace.botUser,
    fromBot: true,
    via,
    payload,
    ...(loud ? {} : { only: to.user }),
    ...(word(payload.thread_ts) === '' ? {} : { thread: word(payload.thread_ts) }),
  });
}
