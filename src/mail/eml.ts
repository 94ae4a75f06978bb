/**
 * Delivers messages as `.eml` files that any mail program opens; the only file that imports nodemailer. A report is
 * there to read also where no mail server is.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import MailComposer from 'nodemailer/lib/mail-composer';
import type { Deliverer } from '../engine/services.ts';
import type { OutboxMessage, Person } from '../engine/types.ts';
import { visibleLine } from '../engine/visible.ts';
import { renderMail } from './render.ts';

export const MAIL_FOLDER = 'mail';

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

/** What stands before and after `<address>` comes from people: without line breaks, quotes and brackets. */
const displayName = (name: string): string =>
  visibleLine(name)
    .replace(/["<>\\,;:@]/g, ' ')
    .trim();

/** One plain address; anything else (two addresses, a header in disguise) is not used. */
const ADDRESS = /^[^\s<>"(),:;@\\]{1,64}@[^\s<>"(),:;@\\]{1,255}$/;

const addressOf = (person: Person): string =>
  person.identities.find(({ surface, id }) => surface === 'mail' && ADDRESS.test(id))?.id ?? 'owner@localhost';

/** The whole mail as bytes; its Message-ID is the same for the same message, so that programs show it once. */
export async function composeEml(message: OutboxMessage, to: Person, zone: string): Promise<Buffer> {
  const mail = renderMail(message.reply, { zone });
  const composer = new MailComposer({
    from: { name: 'Keepsake', address: 'keepsake@localhost' },
    to: { name: displayName(to.name), address: addressOf(to) },
    subject: mail.subject,
    date: new Date(message.created),
    messageId: `<${digest(message.id)}.${digest(message.key)}@keepsake.localhost>`,
    // RFC 3834: no robot may answer a robot.
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
    text: mail.text,
    html: mail.html,
    attachments: mail.parts.map((part) => ({
      filename: part.name,
      content: Buffer.from(part.bytes),
      contentType: /^[\w.+-]+\/[\w.+-]+$/.test(part.mime) ? part.mime : 'application/octet-stream',
      ...(part.cid === undefined ? {} : { cid: part.cid }),
    })),
    // A reply carries its bytes; nothing in it may make us open a file or call an address.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return composer.compile().build();
}

/** Written aside, flushed and renamed: a mail program that watches the folder never sees half a mail. */
async function writeWhole(folder: string, name: string, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const aside = join(folder, `.${name}.${randomBytes(6).toString('hex')}`);
  try {
    const handle = await open(aside, 'wx', 0o600);
    try {
      await handle.writeFile(bytes, { signal });
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(aside, join(folder, name));
  } catch (error) {
    await unlink(aside).catch(() => undefined);
    throw error;
  }
}

/** `<data>/mail/*.eml`, readable by their owner only. The same message delivered twice is one file. */
export const createEmlDeliverer = (o: { folder: string; zone: string }): Deliverer => ({
  surface: 'mail',
  async deliver(message, to, signal) {
    signal.throwIfAborted();
    const bytes = await composeEml(message, to, to.zone ?? o.zone);
    await writeWhole(o.folder, emlName(message), bytes, signal);
  },
});
