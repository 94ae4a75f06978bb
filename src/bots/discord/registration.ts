/** Tells Discord the commands, and only when they are other ones than those it was told last. */
import { createHash } from 'node:crypto';
import { NotAllowed, NotFound } from '../../engine/errors.ts';
import type { SurfaceServices } from '../../engine/services.ts';
import type { Connection } from './connection.ts';
import { commandDefinitions } from './definition.ts';

const EVERYWHERE = 'global';

/**
 * Replaces all commands of the application: everywhere, or in one server alone, where they appear at once. A server takes
 * 200 new commands a day, and each start would be one. Where they were before they are taken away, or people would see
 * each of them twice.
 */
export async function registerCommands(o: {
  connection: Pick<Connection, 'call'>;
  services: Pick<SurfaceServices, 'vault' | 'log'>;
  application: string;
  guild?: string;
  signal: AbortSignal;
}): Promise<void> {
  const { connection, services, application, guild, signal } = o;
  const { vault, log } = services;
  const body = commandDefinitions();
  const digest = createHash('sha256').update(JSON.stringify(body)).digest('hex');
  const here = guild ?? EVERYWHERE;
  const told = (where: string): string => `discord/commands/${application}/${where}`;
  const put = (where: string, commands: readonly unknown[]): Promise<unknown> => {
    const within = where === EVERYWHERE ? '' : `/guilds/${where}`;
    return connection.call('PUT', `/applications/${application}${within}/commands`, { body: commands, signal });
  };

  const last = await vault.get(told('where'));
  if (last !== undefined && last !== here) {
    try {
      await put(last, []);
    } catch (error) {
      // The bot is no longer in that server, and so are its commands.
      if (!(error instanceof NotAllowed || error instanceof NotFound)) throw error;
    }
    await vault.remove(told(last));
  }
  if (last !== here) await vault.put(told('where'), here);
  if ((await vault.get(told(here))) === digest) return;
  await put(here, body);
  await vault.put(told(here), digest);
  log('info', 'discord.commands_registered', { where: guild ?? 'everywhere', commands: body.length });
}
