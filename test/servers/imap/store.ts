/** Accounts, mailboxes and the mails in them; sessions listen to what changes. */

export interface StoredMail {
  uid: number;
  raw: Buffer;
  flags: Set<string>;
  /** When it came in (INTERNALDATE). */
  date: Date;
  /** RFC 7162. */
  modseq: number;
}

export interface ImapMailbox {
  readonly name: string;
  readonly specialUse: string | undefined;
  readonly uidValidity: number;
  readonly uidNext: number;
  readonly modseq: number;
  /** In the order of their UIDs. */
  mails(): readonly StoredMail[];
  /** Returns the UID. */
  add(raw: Buffer, o?: { flags?: readonly string[]; date?: Date }): number;
  remove(uids: readonly number[]): void;
  setFlags(uid: number, flags: readonly string[]): void;
  /** As after a restored backup of the server: another UIDVALIDITY, UIDs from 1. Who has it open is disconnected. */
  renew(): void;
  /** Called after each change; returns how to stop. */
  listen(changed: (renewed: boolean) => void): () => void;
}

export interface ImapAccount {
  readonly user: string;
  password: string | undefined;
  /** What XOAUTH2 takes. */
  readonly accessTokens: Set<string>;
  mailboxes(): readonly ImapMailbox[];
  find(name: string): ImapMailbox | undefined;
  /** Throws when there is none. */
  mailbox(name: string): ImapMailbox;
  create(name: string, specialUse?: string): ImapMailbox;
  delete(name: string): void;
}

/** Large enough to be no index by accident, and different for each. */
let lastValidity = 1_600_000_000;

export function createMailbox(name: string, now: () => Date, specialUse?: string): ImapMailbox {
  const listeners = new Set<(renewed: boolean) => void>();
  let mails: StoredMail[] = [];
  let uidNext = 1;
  let modseq = 1;
  lastValidity += 7;
  let uidValidity = lastValidity;
  const changed = (renewed = false): void => {
    for (const listener of [...listeners]) listener(renewed);
  };
  return {
    name,
    specialUse,
    get uidValidity() {
      return uidValidity;
    },
    get uidNext() {
      return uidNext;
    },
    get modseq() {
      return modseq;
    },
    mails: () => mails,
    add(raw, { flags = [], date = now() } = {}) {
      const uid = uidNext;
      uidNext += 1;
      modseq += 1;
      mails = [...mails, { uid, raw, flags: new Set(flags), date, modseq }];
      changed();
      return uid;
    },
    remove(uids) {
      mails = mails.filter((mail) => !uids.includes(mail.uid));
      modseq += 1;
      changed();
    },
    setFlags(uid, flags) {
      const mail = mails.find((one) => one.uid === uid);
      if (!mail) throw new Error(`${name} has no mail with the UID ${uid}`);
      modseq += 1;
      mail.flags = new Set(flags);
      mail.modseq = modseq;
      changed();
    },
    renew() {
      lastValidity += 7;
      uidValidity = lastValidity;
      mails = mails.map((mail, index) => ({ ...mail, uid: index + 1 }));
      uidNext = mails.length + 1;
      changed(true);
    },
    listen(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

const same = (one: string, other: string): boolean =>
  one === other || (one.toUpperCase() === 'INBOX' && other.toUpperCase() === 'INBOX');

export function createAccount(user: string, password: string | undefined, now: () => Date): ImapAccount {
  let boxes = [
    createMailbox('INBOX', now),
    createMailbox('Sent', now, '\\Sent'),
    createMailbox('Drafts', now, '\\Drafts'),
    createMailbox('Junk', now, '\\Junk'),
    createMailbox('Trash', now, '\\Trash'),
  ];
  const find = (name: string): ImapMailbox | undefined => boxes.find((box) => same(box.name, name));
  return {
    user,
    password,
    accessTokens: new Set(),
    mailboxes: () => boxes,
    find,
    mailbox(name) {
      const box = find(name);
      if (!box) throw new Error(`${user} has no mailbox ${name}`);
      return box;
    },
    create(name, specialUse) {
      const box = createMailbox(name, now, specialUse);
      boxes = [...boxes, box];
      return box;
    },
    delete(name) {
      boxes = boxes.filter((box) => !same(box.name, name));
    },
  };
}
