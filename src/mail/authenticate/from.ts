/** The address in a From header (RFC 5322 section 3.4, RFC 6532), or none where it is written in a way that can be taken for another. */
import { domainToASCII, domainToUnicode } from 'node:url';
import { isAddress } from '../address.ts';

/** Of one address: without comments, with quoted parts as `"`. Undefined when a comment or a quotation does not end. */
function bare(text: string): string | undefined {
  let out = '';
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    if (char === '\\' && (quoted || depth > 0)) at++;
    else if (quoted) quoted = char !== '"';
    else if (char === '(') depth++;
    else if (char === ')' && depth > 0) depth--;
    else if (depth === 0) {
      quoted = char === '"';
      out += char;
    }
  }
  return quoted || depth > 0 ? undefined : out;
}

/** An address alone, or in angle brackets at the end after a name; no list, no group, no route. */
function addressIn(text: string): string | undefined {
  const angle = /^([^<>]*)<([^<>]*)>\s*$/.exec(text);
  const [name, address] = angle ? [angle[1] ?? '', angle[2] ?? ''] : ['', text];
  return /[,;:]/.test(name) ? undefined : address.trim();
}

/** RFC 5890: the form in which DNS and DKIM know it. Undefined for what is not plainly one domain. */
export function asciiDomain(domain: string): string | undefined {
  const plain = domain.normalize('NFC').toLowerCase();
  if (!/^[\p{L}\p{N}\p{M}._-]+$/u.test(plain)) return undefined;
  const ascii = domainToASCII(plain);
  // Full-width letters and their like are folded into others on the way: what is seen is not what is asked for.
  if (!/^[a-z0-9_-]+(\.[a-z0-9_-]+)+$/.test(ascii)) return undefined;
  return ascii === plain || domainToUnicode(ascii) === plain ? ascii : undefined;
}

/**
 * In lower case, its domain as ASCII. Only A to Z are folded in what stands before the `@`: the Kelvin sign becomes a
 * `k` otherwise, and is somebody else. Encoded words (RFC 2047) are no address, whatever they would decode to.
 */
export function fromAddress(value: string): string | undefined {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value, 'latin1'));
  } catch {
    return undefined;
  }
  const address = addressIn(bare(text) ?? ',');
  if (address === undefined || !isAddress(address) || /[\p{C}\p{Z}]|=\?/u.test(address)) return undefined;
  const at = address.lastIndexOf('@');
  const local = address.slice(0, at).replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const domain = asciiDomain(address.slice(at + 1));
  return domain === undefined ? undefined : `${local}@${domain}`;
}
