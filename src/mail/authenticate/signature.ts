/** What a DKIM-Signature promises to cover (RFC 6376 section 3.5), before anybody computes whether it holds. */
import { visibleLine } from '../../engine/visible.ts';
import { asciiDomain } from './from.ts';
import { type Field, named } from './header.ts';

export interface Signature {
  field: Field;
  /** As ASCII in lower case; empty where it is none. */
  domain: string;
  /** As it is written, fit for a sentence. */
  shown: string;
  /** Why it proves nothing even if it holds; part of a sentence. */
  useless?: string;
}

/**
 * Each costs a key from a name server and a pass over the mail. Mails have one to three; RFC 6376 section 6.1 lets a
 * reader stop somewhere.
 */
const MOST_SIGNATURES = 10;

/**
 * What is read as a command or decides whether it is taken, and whom it was written to: a mail to somebody else could be
 * made one to us. All large services sign these.
 */
const COVERED = ['from', 'subject', 'date', 'to', 'cc'];

/** Tag names as they are written; undefined when one stands twice. */
function tagsOf(value: string): ReadonlyMap<string, string> | undefined {
  const tags = new Map<string, string>();
  for (const part of value.split(';')) {
    const equals = part.indexOf('=');
    if (equals < 0) continue;
    const name = part.slice(0, equals).trim();
    if (tags.has(name)) return undefined;
    tags.set(name, part.slice(equals + 1).trim());
  }
  return tags;
}

function flaw(tags: ReadonlyMap<string, string>, fields: readonly Field[]): string | undefined {
  // A mail that is longer than what is signed ends with what somebody else wrote.
  if (tags.has('l') || tags.has('L')) return 'leaves the end of the text open (l=)';
  if (!/^(rsa|ed25519)-sha256$/i.test(tags.get('a') ?? '')) return 'uses an algorithm that is no longer safe';
  const covered = (tags.get('h') ?? '').split(':').map((name) => name.trim().toLowerCase());
  const open = COVERED.find((name) => named(fields, name).length > 0 && !covered.includes(name));
  return open === undefined ? undefined : `does not cover the ${open}`;
}

/** The topmost ones; what is written in them is not proved yet. */
export function signaturesOf(fields: readonly Field[]): Signature[] {
  return named(fields, 'dkim-signature')
    .slice(0, MOST_SIGNATURES)
    .map((field) => {
      const tags = tagsOf(field.value);
      const domain = asciiDomain(tags?.get('d') ?? '') ?? '';
      const useless = tags ? flaw(tags, fields) : 'cannot be read';
      const shown = visibleLine(tags?.get('d') ?? '').slice(0, 100) || 'nobody';
      return { field, domain, shown, ...(useless === undefined ? {} : { useless }) };
    });
}

const lastTwo = (domain: string): string => domain.split('.').slice(-2).join('.');

/**
 * Whether it is worth asking for a key: domains of one owner agree at least in their last two labels. Whether they are
 * of one owner is decided by the list of public suffixes, later.
 */
export const mayAlign = (signature: Signature, domain: string): boolean =>
  lastTwo(signature.domain) === lastTwo(domain);
