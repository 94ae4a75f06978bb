/** Forwarded mails, kept as they came: `<data>/archive/<person>/<date>-<subject>-<key>.eml`, one file per mail. */
import { mkdir, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { QuotaExceeded } from '../engine/errors.ts';
import type { Instant, Person } from '../engine/types.ts';
import { visibleLine } from '../engine/visible.ts';
import { isAside, writeWhole } from './whole-file.ts';

/** A person who forwards every day for a year stays below; one whose account is in wrong hands cannot fill the disk. */
const MOST_BYTES = 2 * 1024 ** 3;
const MOST_FILES = 20_000;

const wordOf = (subject: string): string =>
  visibleLine(subject)
    .normalize('NFKC')
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60)
    .replace(/[\ud800-\udbff]$/, '') || 'mail';

export interface Forwarded {
  date: Instant;
  subject: string;
  /**
   * Of the mail, in hex. A mail that is delivered again comes with other traces in its header, so that a digest of its
   * bytes would let anybody who has one fill the archive with it.
   */
  key: string;
  bytes: Uint8Array;
}

export const archiveName = (o: Omit<Forwarded, 'bytes'>): string =>
  `${o.date.slice(0, 10)}-${wordOf(o.subject)}-${o.key.slice(0, 12)}.eml`;

async function fillOf(folder: string): Promise<{ files: number; bytes: number }> {
  // Another mail that is being written has another name soon.
  const names = (await readdir(folder)).filter((name) => !isAside(name));
  let bytes = 0;
  for (const name of names) bytes += (await stat(join(folder, name))).size;
  return { files: names.length, bytes };
}

/** The same mail twice is one file. Answers its name. Throws `QuotaExceeded` when this person's archive is full. */
export async function keepForwarded(archive: string, person: Person, mail: Forwarded): Promise<string> {
  const folder = join(archive, person.id.replace(/[^A-Za-z0-9_-]/g, '_'));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { files, bytes } = await fillOf(folder);
  if (files >= MOST_FILES || bytes + mail.bytes.byteLength > MOST_BYTES) {
    throw new QuotaExceeded('Your archive of forwarded mails is full, so this one was not kept.', {
      code: 'archive_full',
      // Where it lies on the disk is for those to know who may look there.
      advice: `Whoever runs this Keepsake can move files out of archive/${basename(folder)} in its data folder; then forward it again.`,
    });
  }
  const name = archiveName(mail);
  await writeWhole(folder, name, mail.bytes);
  return name;
}
