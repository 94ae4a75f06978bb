/** A reply as the body of a request: drawn, with its long controls kept, and its files beside it. */
import type { SurfaceServices } from '../../engine/services.ts';
import type { Reply } from '../../engine/types.ts';
import { discordControls, keepControls, renderDiscord } from '../discord-render.ts';
import type { Attached } from './connection.ts';

export interface Drawn {
  body: Record<string, unknown>;
  files: readonly Attached[];
}

/** `more.flags` are added to those of the drawing. */
export async function drawn(
  reply: Reply,
  controls: SurfaceServices['controls'],
  more: { flags?: number } & Record<string, unknown> = {},
): Promise<Drawn> {
  const ids = await keepControls(discordControls(reply), (control) => controls.keep(control));
  const { flags, components, files, allowed_mentions } = renderDiscord(reply, ids);
  return {
    body: {
      ...more,
      flags: flags | (more.flags ?? 0),
      components,
      allowed_mentions,
      // An edit keeps the files that are named here: only those that come with it.
      attachments: files.map(({ name, alt }, id) => ({ id, filename: name, description: alt })),
    },
    files: files.map(({ name, bytes }) => ({ name, bytes })),
  };
}

/** The id of the message that a request answered with. */
export function idIn(answer: unknown): string | undefined {
  const id: unknown = typeof answer === 'object' && answer !== null ? Reflect.get(answer, 'id') : undefined;
  return typeof id === 'string' ? id : undefined;
}
