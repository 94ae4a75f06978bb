/** files.*: an upload in three steps, as `files.uploadV2` of the SDK makes it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { shown } from './chat-methods.ts';
import { bodyOf, type Method, refused, send } from './method.ts';
import type { Fields, SlackUpload } from './types.ts';
import { channelOf, isFields, list, type World, word, workspaceOf } from './world.ts';

export const fileMethods: Readonly<Record<string, Method>> = {
  'files.getUploadURLExternal': {
    token: 'bot',
    scopes: ['files:write'],
    async run({ world, workspace, args, method }) {
      // Slack documents `alt_txt`; the SDK sends `alt_text`.
      const alt = word(args.alt_txt) || word(args.alt_text);
      const answer = await workspace.emulated.call(method, { ...args, alt_text: alt, length: Number(args.length) });
      if (answer.ok === true)
        world.uploads.push({
          id: word(answer.file_id),
          workspace: workspace.id,
          name: word(args.filename),
          title: word(args.filename),
          alt: alt === '' ? undefined : alt,
          bytes: Buffer.alloc(0),
          conversation: undefined,
          message: undefined,
        });
      return answer;
    },
  },
  'files.completeUploadExternal': {
    token: 'bot',
    scopes: ['files:write'],
    async run({ world, workspace, args, method }) {
      const named = list(args.files);
      const uploads = named
        .map(({ id }) => world.uploads.find((one) => one.id === id))
        .filter((one): one is SlackUpload => one !== undefined);
      if (uploads.length < named.length || named.length === 0) return refused('file_not_found');
      const id = word(args.channel_id) || word(args.channels);
      const channel = id === '' ? undefined : channelOf(workspace, id);
      if (id !== '' && channel === undefined) return refused('channel_not_found');
      if (channel !== undefined && !channel.members.includes(workspace.botUser)) return refused('not_in_channel');
      const answer = await workspace.emulated.call(method, args);
      if (answer.ok !== true) return answer;
      for (const [index, upload] of uploads.entries()) {
        upload.title = word(named[index]?.title) || upload.title;
        upload.conversation = channel?.id;
        if (/\.(png|jpe?g|gif|webp)$/i.test(upload.name) && upload.alt === undefined)
          world.blame(`${method}: ${upload.name} is a picture without an alternative text`);
      }
      if (channel === undefined) return answer;
      const ts = sharedAt(answer, channel.id) ?? world.ts();
      for (const upload of uploads) upload.message = ts;
      shown(world, {
        workspace: workspace.id,
        conversation: channel.id,
        ts,
        by: workspace.botUser,
        fromBot: true,
        via: method,
        payload: { text: word(args.initial_comment) },
        files: uploads,
        ...(word(args.thread_ts) === '' ? {} : { thread: word(args.thread_ts) }),
      });
      return answer;
    },
  },
};

/** The message that an upload made stands in the file's shares. */
function sharedAt(answer: Fields, conversation: string): string | undefined {
  const shares = list(answer.files)[0]?.shares;
  if (!isFields(shares)) return undefined;
  for (const kind of Object.values(shares))
    if (isFields(kind)) {
      const ts = word(list(kind[conversation])[0]?.ts);
      if (ts !== '') return ts;
    }
  return undefined;
}

export async function takeUpload(
  world: World,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<void> {
  const upload = world.uploads.find(({ id }) => url.pathname.endsWith(`/${id}`));
  if (upload === undefined) return send(response, 404, 'file_not_found');
  const body = await bodyOf(request);
  const type = request.headers['content-type'] ?? 'application/octet-stream';
  if (type.startsWith('multipart/')) {
    const form = await new Response(new Uint8Array(body), { headers: { 'content-type': type } }).formData();
    for (const part of form.values())
      if (typeof part !== 'string') upload.bytes = Buffer.from(await part.arrayBuffer());
  } else upload.bytes = body;
  const status = await workspaceOf(world, upload.workspace).emulated.upload(url.pathname, body, type);
  send(response, status, status === 200 ? `OK - ${upload.bytes.length}` : 'invalid_upload');
}
