/** How far a folder has been read, kept in the vault, so that no mail is lost and none that was there before is answered. */
import type { Vault } from '../../engine/services.ts';
import type { Instant, Log } from '../../engine/types.ts';
import type { Folder, ImapServer } from './connection.ts';

export interface Cursor {
  /** A folder's UIDs mean something only under this number (RFC 9051, 2.3.1.1). */
  uidValidity: string;
  /** Every mail up to it was taken, or was there before Keepsake. */
  uid: number;
  /** When the server got the latest mail that was passed over. */
  latest: Instant;
  /** When Keepsake first looked into this folder; nothing older is ever touched. */
  began: Instant;
  /** After the UIDs began anew: up to this UID, mails that came before this time are not looked at. */
  renumbered?: { until: number; since: Instant };
}

/** How far back is looked for mails that may not have been taken when the UIDs begin anew: clocks and delivery may differ. */
const LOOK_BACK = 24 * 60 * 60 * 1000;

export const cursorId = ({ host, user = '', folder }: ImapServer): string =>
  `mail/cursor/${[host, user, folder].map(encodeURIComponent).join('/')}`;

const isInstant = (value: unknown): value is Instant => typeof value === 'string' && !Number.isNaN(Date.parse(value));

/** Undefined for anything that `JSON.stringify` did not make of a cursor. */
function parseCursor(text: string): Cursor | undefined {
  let value: Partial<Cursor> | null;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const isOurs =
    typeof value?.uidValidity === 'string' &&
    Number.isSafeInteger(value.uid) &&
    isInstant(value.latest) &&
    isInstant(value.began);
  return isOurs ? (value as Cursor) : undefined;
}

/** Undefined at the very first start. One that cannot be read is logged and counts as none: old mails stay unanswered. */
export async function loadCursor(vault: Vault, id: string, log: Log): Promise<Cursor | undefined> {
  const text = await vault.get(id);
  if (text === undefined) return undefined;
  const cursor = parseCursor(text);
  if (cursor === undefined) log('error', 'imap.cursor_unreadable', { id });
  return cursor;
}

export const firstCursor = (folder: Folder, now: Date): Cursor => ({
  uidValidity: folder.uidValidity,
  uid: folder.uidNext - 1,
  latest: now.toISOString(),
  began: now.toISOString(),
});

/** True while the folder's UIDs are those that the cursor counts. A folder that was put back from a copy has lower ones. */
export const isAbout = (cursor: Cursor, folder: Folder): boolean =>
  cursor.uidValidity === folder.uidValidity && cursor.uid < folder.uidNext;

/** The place in renumbered mails from where on one may not have been taken. `take` knows those it had. */
export async function renumber(cursor: Cursor, folder: Folder): Promise<Cursor> {
  const since = new Date(
    Math.max(Date.parse(cursor.latest) - LOOK_BACK, Math.floor(Date.parse(cursor.began) / 1000) * 1000),
  );
  // A search knows days, in the server's zone.
  const near = await folder.since(new Date(since.getTime() - LOOK_BACK));
  const [first] = (await folder.list(near)).filter(({ received }) => Date.parse(received) >= since.getTime());
  return {
    uidValidity: folder.uidValidity,
    uid: (first?.uid ?? folder.uidNext) - 1,
    latest: cursor.latest,
    began: cursor.began,
    ...(first ? { renumbered: { until: folder.uidNext - 1, since: since.toISOString() } } : {}),
  };
}

/** True for a mail that was there before, and only lies behind the cursor because the UIDs began anew. */
export const isOld = ({ renumbered }: Cursor, mail: { uid: number; received: Instant }): boolean =>
  renumbered !== undefined && mail.uid <= renumbered.until && Date.parse(mail.received) < Date.parse(renumbered.since);

/** The cursor, moved over a mail. */
export function pass(cursor: Cursor, uid: number, received: Instant | undefined): Cursor {
  const { renumbered, ...rest } = cursor;
  return {
    ...rest,
    uid,
    latest: received !== undefined && Date.parse(received) > Date.parse(rest.latest) ? received : rest.latest,
    ...(renumbered && uid < renumbered.until ? { renumbered } : {}),
  };
}
