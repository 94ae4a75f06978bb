/** Tells Discord the commands, and only when they are other ones than those it was told last. */
import { createHash } from 'node:crypto';
import type { SurfaceServices } from '../../engine/services.ts';
import type { Connection } from './connection.ts';
import { commandDefinitions } from './definition.ts';

/**
 * Replaces all commands of the application: everywhere, or in one server alone, where they appear at once. A server takes
 * 200 new commands a day, and each start would be one.
 */
export async function registerCommands(o: {
  connection: Pick<Connection, 'call'>;
  services: Pick<SurfaceServices, 'vault' | 'log'>;
  application: string;
  guild?: string;
  signal: AbortSignal;
}): Promise<void> {
  const { connection, services, application, guild, signal } = o;
  const body = commandDefinitions();
  const digest = createHash('sha256').update(JSON.stringify(body)).digest('hex');
  const id = `discord/commands/${application}/${guild ?? 'global'}`;
  if ((await services.vault.get(id)) === digest) return;
  const within = guild === undefined ? '' : `/guilds/${guild}`;
  await connection.call('PUT', `/applications/${application}${within}/commands`, { body, signal });
  await services.vault.put(id, digest);
  services.log('info', 'discord.commands_registered', { where: guild ?? 'everywhere', commands: body.length });
}
