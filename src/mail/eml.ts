/** Delivers messages as `.eml` files that any mail program opens: a report is there to read also where no mail server is. */
import { createHash } from 'node:crypto';
import type { Deliverer } from '../engine/services.ts';
import type { OutboxMessage, Person } from '../engine/types.ts';
import { composeMail, isPlainAddress } from './compose.ts';
import { renderMail } from './render.ts';
import { writeWhole } from './whole-file.ts';

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

/** Date first, so that a listing is in order; then what it is about; then the key, so that one message is one file. */
export function emlName(message: Pick<OutboxMessage, 'created' | 'key'>): string {
  const date = message.created.replace(/\.\d+Z$/, 'Z').replaceAll(':', '');
  const about = message.key
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40);
  return `${date}-${about}-${digest(message.key)}.eml`;
}

/** A file needs no server's consent: where no address can be written in it, it is there for its owner all the same. */
const addressOf = (person: Person): string =>
  person.identities.find(({ surface, id }) => surface === 'mail' && isPlainAddress(id))?.id ?? 'owner@localhost';

/**
 * The whole mail as bytes; its Message-ID is the same for the same message, so that programs show it once. Nobody reads
 * what is answered to it, so it carries no token.
 */
export const composeEml = (message: OutboxMessage, to: Person, zone: string): Promise<Buffer> =>
  composeMail({
    from: 'keepsake@localhost',
    to: { name: to.name, address: addressOf(to) },
    date: new Date(message.created),
    messageId: `<${digest(message.id)}.${digest(message.key)}@keepsake.localhost>`,
    automatic: 'generated',
    content: renderMail(message.reply, { zone }),
  });

/** `<data>/mail/*.eml`, readable by their owner only. The same message delivered twice is one file. */
export const createEmlDeliverer = (o: { folder: string; zone: string }): Deliverer => ({
  surface: 'mail',
  async deliver(message, to, signal) {
    signal.throwIfAborted();
    const bytes = await composeEml(message, to, to.zone ?? o.zone);
    await writeWhole(o.folder, emlName(message), bytes, signal);
  },
});
