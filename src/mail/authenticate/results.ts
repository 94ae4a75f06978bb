/**
 * What a server found out about a mail and wrote on top of it (RFC 8601). Anybody can write such a header: it counts only
 * where the mailbox's own server must have been the last to write.
 */
import { type Field, named } from './header.ts';

interface Finding {
  method: string;
  result: string;
  /** `header.from`, `header.d` ..., in lower case. A property that is told twice is ``. */
  properties: ReadonlyMap<string, string>;
}

/** Written by servers on the way in, above what the author wrote. */
const BY_SERVERS =
  /^((x-)?received(-spf)?|return-path|(x-)?(delivered|envelope|original)-to|arc-(seal|message-signature|authentication-results)|x-(google|gm|ms-exchange|spam|spamd|rspamd|virus|sieve|quarantine|envelope)(-[\w-]+)?)$/;

/** Without comments and quotation marks; what is quoted and has any meaning here is `?`. Undefined when one of them does not end. */
function withoutComments(text: string): string | undefined {
  let out = '';
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    if (char === '\\') at++;
    else if (char === '(') depth++;
    else if (char === ')') depth--;
    else if (depth === 0 && char === '"') {
      const quoted = /^"(?:[^"\\]|\\.)*"/.exec(text.slice(at))?.[0];
      if (quoted === undefined) return undefined;
      out += /^"[\w.@-]*"$/.test(quoted) ? quoted.slice(1, -1) : '?';
      at += quoted.length - 1;
    } else if (depth === 0) out += char;
    if (depth < 0) return undefined;
  }
  return depth === 0 ? out : undefined;
}

function finding(text: string): Finding | undefined {
  const said = /^\s*([a-z][\w-]*)(?:\s*\/\s*\d+)?\s*=\s*([a-z]+)(?=\s|$)/i.exec(text);
  if (!said) return undefined;
  const properties = new Map<string, string>();
  for (const [, type = '', name = '', value = ''] of text.matchAll(/([a-z]+)\s*\.\s*([\w-]+)\s*=\s*(\S+)/gi)) {
    const key = `${type}.${name}`.toLowerCase();
    properties.set(key, properties.has(key) ? '' : value.toLowerCase());
  }
  return { method: (said[1] ?? '').toLowerCase(), result: (said[2] ?? '').toLowerCase(), properties };
}

/**
 * The topmost Authentication-Results, if its authserv-id is `authserv` to the letter (a server removes forged ones with
 * its own name, and may overlook another spelling) and nothing that an author writes stands above it.
 */
function trusted(fields: readonly Field[], authserv: string): Finding[] | undefined {
  const [first] = named(fields, 'authentication-results');
  if (!first || !fields.slice(0, fields.indexOf(first)).every(({ name }) => BY_SERVERS.test(name))) return undefined;
  const [head = '', ...said] = (withoutComments(first.value) ?? '').split(';');
  if (!new RegExp(`^\\s*${RegExp.escape(authserv)}(\\s+1)?\\s*$`).test(head)) return undefined;
  return said.map(finding).filter((one) => one !== undefined);
}

/** What of it vouches for `domain`, as part of a sentence. DMARC decides where it was asked, a DKIM signature otherwise. */
export function vouching(fields: readonly Field[], authserv: string, domain: string): string | undefined {
  const said = trusted(fields, authserv) ?? [];
  const dmarc = said.filter(({ method }) => method === 'dmarc');
  const [only] = dmarc;
  if (only?.result === 'pass') {
    return dmarc.length === 1 && only.properties.get('header.from') === domain
      ? `${authserv} found DMARC of ${domain} passed`
      : undefined;
  }
  if (dmarc.some(({ result }) => result !== 'none')) return undefined;
  const signed = said.some(
    ({ method, result, properties }) =>
      method === 'dkim' &&
      result === 'pass' &&
      (properties.get('header.d') ?? properties.get('header.i')?.replace(/^.*@/, '')) === domain,
  );
  return signed ? `${authserv} found DKIM of ${domain} passed` : undefined;
}
