/** A Keepsake whose owner Ana is known in a chat, with a folder to back up; and how she says something there. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Said } from '../../src/bots/chat/chat.ts';
import { createDispatch } from '../../src/engine/commands/dispatch.ts';
import type { SurfaceServices } from '../../src/engine/services.ts';
import { createSurfaceServices } from '../../src/engine/surface.ts';
import type { Person } from '../../src/engine/types.ts';
import { openWorld, type World } from '../commands/world.ts';
import type { FastClock } from '../fast-clock.ts';

export async function openChatWorld(
  clock: FastClock,
): Promise<{ world: World; ana: Person; services: SurfaceServices }> {
  const world = await openWorld({ clock });
  const ana = await world.store.put('people', {
    id: 'ana',
    name: 'Ana',
    role: 'owner',
    identities: [{ surface: 'slack', id: 'T1/U1' }],
    zone: 'Europe/Berlin',
    created: clock.now().toISOString(),
  });
  const services = createSurfaceServices(world.services, {
    dispatch: createDispatch(world.services),
    suggest: async () => [],
    form: async () => undefined,
  });
  await mkdir(join(world.folder, 'photos'));
  await writeFile(join(world.folder, 'photos', 'a.jpg'), 'a');
  return { world, ana, services };
}

let events = 0;

/** In Ana's conversation with the bot, unless told otherwise. Each has a key of its own. */
export const said = (line: string, more: Partial<Said> = {}): Said => ({
  line,
  key: `event-${++events}`,
  by: { id: 'T1/U1', name: 'Ana' },
  where: { conversation: 'T1/D1', alone: true },
  ...more,
});

export const inChannel = { where: { conversation: 'T1/C1', alone: false } };

export async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('It did not come about.');
}
