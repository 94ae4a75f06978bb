/** A line that makes a backup, as an example that can work where it is read. Pure. */
import type { Services } from '../services.ts';
import type { Caller } from '../types.ts';
import { quote } from './grammar/words.ts';

/** Folders of this machine are for the terminal, and in chat for those that the operator has opened. */
export function exampleLine({ config, kinds }: Pick<Services, 'config' | 'kinds'>, caller: Pick<Caller, 'surface'>) {
  const said = (from: string, to: string): string => `backup ${quote(from)} to ${quote(to)} weekly`;
  const [first, second] = config.localRoots;
  if (caller.surface === 'terminal' || first !== undefined)
    return second === undefined || first === undefined || caller.surface === 'terminal'
      ? said('~/Pictures', '/mnt/usb')
      : said(first, second);
  const services = kinds.list().filter(({ name }) => name !== 'local');
  const from = services.find(({ roles }) => roles.includes('source'));
  const to = services.findLast(({ roles }) => roles.includes('destination'));
  if (!from || !to || from === to) return said('~/Pictures', '/mnt/usb');
  return said(`${from.name}:${from.rootExample}`, `${to.name}:${to.rootExample}`);
}
