/** Mails that say that a mail of ours did not arrive. Pure. RFC 3464 reports, and what servers send that do not know it. */
import { readMessageId } from './address.ts';
import type { ParsedMail } from './mail.ts';
import { comparable, plainLine } from './reply/line.ts';

export interface Bounce {
  /** Lower case. */
  recipient?: string;
  /** RFC 3463, such as `5.1.1`; `5.0.0` where the server gives no reason. */
  status: string;
  /** The address is wrong or gone: nothing sent to it will arrive. */
  hard: boolean;
  /** The server's words in one line, at most 200 characters. Not to be trusted. */
  why: string;
  /** Message-ID of the mail that came back, with its angle brackets. */
  original?: string;
}

const LONGEST_WHY = 200;
/** Of a text, where a server that follows no standard says what happened. */
const LONGEST_STORY = 16 * 1024;

const ADDRESS = /[^\s<>"(),:;@[\]]{1,64}@[^\s<>"(),:;@[\]]{1,253}[^\s<>"(),:;@[\].]/g;
const STATUS = /(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d.]\d)/;
const SMTP_CODE = /(?<![\d.])([45])\d\d(?=[\s-])/;

/** `Name: value` lines with their continuations; the first of each name. */
function fieldsOf(block: string): Map<string, string> {
  const fields = new Map<string, string>();
  let name: string | undefined;
  for (const line of block.split('\n')) {
    if (/^[ \t]/.test(line)) {
      if (name !== undefined) fields.set(name, `${fields.get(name) ?? ''} ${line.trim()}`);
      continue;
    }
    const colon = line.indexOf(':');
    name = colon > 0 ? line.slice(0, colon).trim().toLowerCase() : undefined;
    if (name !== undefined && fields.has(name)) name = undefined;
    else if (name !== undefined) fields.set(name, line.slice(colon + 1).trim());
  }
  return fields;
}

/** `rfc822; <ada@example.org>`: RFC 3464 2.3.2. */
const addressIn = (value: string | undefined): string | undefined =>
  (value?.slice(value.indexOf(';') + 1).match(ADDRESS) ?? [])[0]?.toLowerCase();

const oneLine = (text: string): string => plainLine(text).slice(0, LONGEST_WHY);

/**
 * Permanent errors that are not about the address: a full mailbox (5.2.2), a mail that is too large or of a kind that is
 * refused (5.2.3, 5.3.4, 5.6), a policy against this mail or this sender (5.7, but for accounts that are closed or not
 * their owner's any more: RFC 7505, RFC 7293), and a sender that is refused (5.1.7, 5.1.8). 4 is "later" (RFC 3463).
 */
const isHard = (status: string): boolean =>
  status.startsWith('5') && !/^5\.(?:2\.[23]|3\.[14]|6\.\d+|1\.[78]|7\.(?!1[378]$)\d+)$/.test(status);

const statusOf = (text: string): string => {
  const status = STATUS.exec(text)?.[1];
  if (status !== undefined) return status;
  const code = SMTP_CODE.exec(text)?.[1];
  return code === undefined ? '5.0.0' : `${code}.0.0`;
};

/** Our own Message-ID where it is among them: some relays give a mail another, and ours stands in References. */
function originalOf(mail: ParsedMail, story: string): { original?: string } {
  const returned = fieldsOf((mail.returnedHeaders ?? '').replaceAll('\r', ''));
  const ids = [
    ...(returned.get('message-id')?.match(/<[^<>\s]+>/g) ?? []),
    ...(returned.get('references')?.match(/<[^<>\s]+>/g) ?? []),
    ...(mail.inReplyTo === undefined ? [] : [mail.inReplyTo]),
    ...mail.references,
    ...(/^message-id:\s*(<[^<>\s]{1,996}>)/im.exec(story)?.slice(1, 2) ?? []),
  ];
  const id = ids.find((one) => readMessageId(one) !== undefined) ?? ids[0];
  return id === undefined ? {} : { original: id };
}

function standardBounce(mail: ParsedMail): Bounce | undefined {
  const blocks = (mail.deliveryStatus ?? '').replaceAll('\r', '').split(/\n[ \t]*(?:\n[ \t]*)+/);
  for (const block of blocks) {
    const fields = fieldsOf(block);
    const action = fields.get('action')?.toLowerCase();
    const given = fields.get('status');
    if (action === undefined && given === undefined) continue;
    // "delayed", "delivered", "relayed" and "expanded" (2.3.3) are no failures; without an action the status decides.
    const failed = action === undefined ? /^\s*5/.test(given ?? '') : action.startsWith('failed');
    if (!failed) continue;
    const diagnostic = (fields.get('diagnostic-code') ?? '').replace(/^[\w-]+\s*;\s*/, '');
    const status = STATUS.exec(given ?? '')?.[1] ?? statusOf(diagnostic);
    // "5.0.0" says nothing; the server's words often do.
    const exact = /^5\.0\.0$/.test(status) ? statusOf(diagnostic) : status;
    const recipient = addressIn(fields.get('original-recipient')) ?? addressIn(fields.get('final-recipient'));
    return {
      ...(recipient === undefined ? {} : { recipient }),
      status: exact,
      hard: isHard(exact),
      why: oneLine(diagnostic === '' ? `The server says ${exact}.` : diagnostic),
      ...originalOf(mail, ''),
    };
  }
  return undefined;
}

const SENDER = /^(?:mailer-?daemon|postmaster|mail-?daemon|microsoftexchange[0-9a-f]+)(?:[+\-._].*)?$/;

/** What qmail, exim, sendmail, old Exchange, Yahoo and others begin with. */
const FAILED =
  /(?:this is the qmail-send program|this is the mail (?:delivery system|system at host)|a message that you sent could not be delivered|did not reach the following recipient|could not be delivered to|couldn'?t be delivered|wasn'?t able to deliver|unable to deliver (?:your|the) message|delivery (?:to the following recipients? )?(?:has )?failed|the following addresses had permanent fatal errors|permanent (?:fatal )?error|address (?:not found|couldn'?t be found)|delivery has failed to these recipients|undeliverable|konnte nicht zugestellt werden|n'a pas pu etre (?:remis|delivre)|no se (?:ha podido|pudo) entregar|non e stato possibile recapitare)/;

const LATER =
  /(?:has not (?:yet )?been (?:collected|delivered)|will (?:continue to )?(?:be )?(?:retr(?:y|ied)|attempt(?:ed)?)|this is a warning message only|you do not need to resend|delivery (?:is |to .{1,80} (?:has been )?)?delayed|noch nicht zugestellt)/;

/** The server's own words: what comes before the copy of the mail. */
function storyOf(text: string): string {
  const story = text.slice(0, LONGEST_STORY);
  const end =
    /^(?:-{2,}.{0,10}(?:below this line|this is a copy|original message|copy of (?:the|your) message|returned message|the header of)|return-path:|received:)/im.exec(
      story,
    );
  return end ? story.slice(0, end.index) : story;
}

function otherBounce(mail: ParsedMail): Bounce | undefined {
  const sender = mail.from[0]?.address ?? '';
  const fromServer = mail.returnPath === '' || SENDER.test(sender.slice(0, Math.max(0, sender.lastIndexOf('@'))));
  if (!fromServer) return undefined;
  const header = (wanted: string) => mail.headers.find(({ name }) => name === wanted)?.value;
  const text = mail.text ?? '';
  const story = storyOf(text);
  const words = comparable(story.replace(/[‘’]/g, "'").replace(/\s+/g, ' '));
  const named = header('x-failed-recipients');
  if (LATER.test(words) || /\bdelay(?:ed)?\b/i.test(mail.subject)) return undefined;
  if (named === undefined && !FAILED.test(words)) return undefined;
  const own = new Set([...mail.recipients, sender]);
  const recipient = [...(named?.match(ADDRESS) ?? []), ...(story.match(ADDRESS) ?? [])]
    .map((address) => address.toLowerCase())
    .find((address) => !own.has(address) && !SENDER.test(address.slice(0, address.lastIndexOf('@'))));
  const status = statusOf(story);
  const reason =
    story.split('\n').find((line) => STATUS.test(line) || SMTP_CODE.test(line)) ??
    story.split('\n').find((_, index, lines) => index > 0 && /^\s*<.*>:?\s*$/.test(lines[index - 1] ?? '')) ??
    '';
  return {
    ...(recipient === undefined ? {} : { recipient }),
    status,
    hard: isHard(status),
    why: oneLine(reason) || 'The server gives no reason.',
    ...originalOf(mail, text.slice(0, 4 * LONGEST_STORY)),
  };
}

/**
 * Undefined for a mail that is no bounce, and for one that says that a mail is late: the server goes on trying. Anybody can
 * write a bounce, so it counts only together with a mail that was sent.
 */
export function bounceOf(mail: ParsedMail): Bounce | undefined {
  return mail.deliveryStatus === undefined ? otherBounce(mail) : standardBounce(mail);
}
