/** What the parts of mail have in common: a mail that came in, what is known of its sender, and the doors that mails come through. */
import type { Instant } from '../engine/types.ts';

export interface MailAddress {
  name: string;
  /** Lower case; empty where a header holds none that can be used. */
  address: string;
}

/** The other side of an SMTP connection that was made to us; nobody can forge where it came from. */
export interface SmtpSession {
  ip: string;
  /** What it called itself. */
  helo: string;
  /** Empty for the null sender of bounces. */
  mailFrom: string;
  rcptTo: readonly string[];
}

/** A mail as it lies in the mailbox. Nothing in it is trusted. */
export interface RawMail {
  bytes: Uint8Array;
  /** When our server took it. */
  received: Instant;
  /** Its size where it is larger than `LARGEST_MAIL`: `bytes` are then its header block alone, at most 256 KB of it. */
  tooLarge?: number;
  session?: SmtpSession;
}

/** Of larger mails only the headers are read. */
export const LARGEST_MAIL = 25 * 1024 * 1024;

/** A mail taken apart, within limits. All text is as the sender wrote it, control characters included. */
export interface ParsedMail {
  /** Every header in its order, unfolded and decoded, names in lower case; at most 1,000. */
  headers: readonly { name: string; value: string }[];
  /** The addresses of all From headers, and how many such headers there are. */
  from: readonly MailAddress[];
  fromHeaders: number;
  sender: readonly MailAddress[];
  to: readonly MailAddress[];
  /** To, Cc, Delivered-To, X-Original-To, Envelope-To, and the recipients of the session. */
  recipients: readonly string[];
  /** Without angle brackets; empty for `<>`. Absent without the header. */
  returnPath?: string;
  /** With the angle brackets. */
  messageId?: string;
  inReplyTo?: string;
  references: readonly string[];
  subject: string;
  date?: Instant;
  /** The first text/plain part that is no attachment; absent without one. At most 256 KB of it. */
  text?: string;
  /** At most 1 MB. */
  html?: string;
  attachments: readonly { name: string; mime: string; size: number }[];
  /** Text of a message/delivery-status part (RFC 3464). */
  deliveryStatus?: string;
  /** The header block of the mail that a bounce returns. */
  returnedHeaders?: string;
  /** A whole mail is attached, or is all that there is. */
  forwarded: boolean;
}

/** Whose word a mail is. */
export interface Sender {
  /** The one address of the one From header, in lower case; absent when there is not exactly one. */
  address?: string;
  /** The address' domain vouches for it. */
  verified: boolean;
  /** What vouches, or why nothing does; for the audit trail. */
  why: string;
}

/**
 * What became of a mail. `answered`: something was done or said. `done`: taken without an answer. `ignored`: it is none of
 * ours and is left as it lies.
 */
export type Taken = 'answered' | 'done' | 'ignored';

/** A way in: a mailbox that is watched, or a port that is listened on. */
export interface MailDoor {
  name: 'imap' | 'smtp';
  /**
   * Hands each mail over, several at a time and each again until `take` has resolved for it, until the signal is aborted;
   * then resolves when what is in hand is told. A server that is away is tried again; throws `AuthRequired` when it
   * refuses the login, `UsageError` when the port is taken. `onReady` is called each time it is connected.
   */
  run(take: (mail: RawMail) => Promise<Taken>, signal: AbortSignal, onReady?: () => void): Promise<void>;
}
