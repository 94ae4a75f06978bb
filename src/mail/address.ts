/** Addresses that carry a token: `backup+r.<token>@example.org` (RFC 5233 sub-addressing), and links that begin a mail. Pure. */

/** What a token in an address is for: `r` answers a message, `u` ends its mails. */
export type TokenUse = 'r' | 'u';

const TOKEN = '[a-z2-7]{26}';
const TAGGED = new RegExp(`^([^+@\\s]+)\\+([ru])\\.(${TOKEN})@([^@\\s]+)$`);
/** In the small print of a mail, for services that know no sub-addresses and rewrite Message-IDs. */
const CODE = new RegExp(`\\[#(${TOKEN})\\]`, 'gi');
const MESSAGE_ID = new RegExp(`^<(${TOKEN})\\.k@[^>\\s]+>$`, 'i');

/** One plain address; anything else (two addresses, a header in disguise) is none. */
const ADDRESS = /^[^\s<>"(),:;@\\]{1,64}@[^\s<>"(),:;@\\]{1,255}$/;

export const isAddress = (text: string): boolean => ADDRESS.test(text);

/** RFC 2919: how our own mails are known when they come back. */
export const listIdOf = (from: string): string => `reports.${from.slice(from.lastIndexOf('@') + 1).toLowerCase()}`;

export const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1).toLowerCase();

/** `base` as it is where sub-addresses are not known. */
export function taggedAddress(base: string, use: TokenUse, token: string): string {
  const at = base.lastIndexOf('@');
  return `${base.slice(0, at)}+${use}.${token}${base.slice(at)}`;
}

/** Undefined for an address without a tag of ours. */
export function readTagged(address: string): { base: string; use: TokenUse; token: string } | undefined {
  const match = TAGGED.exec(address.trim().toLowerCase());
  if (!match) return undefined;
  const [, local = '', use, token = '', domain = ''] = match;
  return { base: `${local}@${domain}`, use: use as TokenUse, token };
}

/** The Message-ID of a message, with the angle brackets; a reply names it in References. */
export const messageIdOf = (token: string, from: string): string => `<${token}.k@${domainOf(from)}>`;

export const readMessageId = (id: string): string | undefined => MESSAGE_ID.exec(id.trim())?.[1]?.toLowerCase();

export const codeOf = (token: string): string => `[#${token}]`;

/** The last is the newest: the code of the message that was answered stands above those that it quotes, or below; all are told. */
export const readCodes = (text: string): string[] => [
  ...new Set([...text.matchAll(CODE)].map((match) => (match[1] ?? '').toLowerCase())),
];

/** RFC 6068. The subject keeps mail programs from asking for one; the body is the line, ready to send. */
export const mailtoLink = (o: { to: string; subject: string; line: string; code?: string }): string =>
  `mailto:${encodeURIComponent(o.to).replaceAll('%40', '@').replaceAll('%2B', '+')}?subject=${encodeURIComponent(o.subject)}&body=${encodeURIComponent(
    o.code === undefined ? o.line : `${o.line}\r\n\r\n${o.code}`,
  )}`;
