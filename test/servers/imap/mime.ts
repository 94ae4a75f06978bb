/** A mail taken apart as far as servers look into it (RFC 2045 and 5322): headers, parts, where they begin. Latin-1 text. */

export interface Part {
  /** With the empty line behind it, as it is. */
  head: string;
  /** Unfolded, not decoded. */
  headers: { name: string; value: string }[];
  /** Still encoded. */
  body: string;
  /** Lower case, `text/plain` where nothing is said. */
  type: string;
  parameters: Record<string, string>;
  disposition?: { type: string; parameters: Record<string, string> };
  encoding: string;
  children: Part[];
  /** The mail in a message/rfc822 part. */
  message?: Part;
}

/** The first header of that name. */
export const headerOf = (part: Part, name: string): string | undefined =>
  part.headers.find((header) => header.name.toLowerCase() === name.toLowerCase())?.value;

function splitHead(raw: string): [string, string] {
  if (raw.startsWith('\r\n')) return ['\r\n', raw.slice(2)];
  const end = raw.indexOf('\r\n\r\n');
  return end < 0 ? [raw, ''] : [raw.slice(0, end + 4), raw.slice(end + 4)];
}

const headersOf = (head: string): Part['headers'] =>
  head
    .replace(/\r\n(?=[ \t])/g, '')
    .split('\r\n')
    .flatMap((line) => {
      const colon = line.indexOf(':');
      return colon > 0 ? [{ name: line.slice(0, colon).trim(), value: line.slice(colon + 1).trim() }] : [];
    });

/** `a/b; x=y; z="w"` (RFC 2045 section 5.1), comments aside. */
export function valueWithParameters(text: string): { value: string; parameters: Record<string, string> } {
  const [value = ''] = text.split(';', 1);
  const parameters: Record<string, string> = {};
  for (const match of text.slice(value.length).matchAll(/;\s*([^=;\s]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;\s]*)/g)) {
    const [, name = '', given = ''] = match;
    parameters[name.toLowerCase()] = given.startsWith('"') ? given.slice(1, -1).replace(/\\(.)/g, '$1') : given;
  }
  return { value: value.trim().toLowerCase(), parameters };
}

/** The delimiter lines are no part of what they delimit, nor is the CRLF before them (RFC 2046 section 5.1.1). */
function splitParts(body: string, boundary: string): string[] {
  const parts: string[] = [];
  const text = `\r\n${body}`;
  const delimiter = `\r\n--${boundary}`;
  let from: number | undefined;
  for (let at = text.indexOf(delimiter); at >= 0; at = text.indexOf(delimiter, at + delimiter.length)) {
    const rest = text.slice(at + delimiter.length, at + delimiter.length + 200);
    const line = /^(--)?[ \t]*(\r\n|$)/.exec(rest);
    if (!line) continue;
    if (from !== undefined) parts.push(text.slice(from, at));
    if (line[1]) return parts;
    from = at + delimiter.length + line[0].length;
  }
  if (from !== undefined) parts.push(text.slice(from));
  return parts;
}

/** Ends at 50 parts within each other: what is deeper is text. */
export function parsePart(raw: string, depth = 0): Part {
  const [head, body] = splitHead(raw);
  const headers = headersOf(head);
  const found = (name: string): string | undefined => headers.find((one) => one.name.toLowerCase() === name)?.value;
  const { value, parameters } = valueWithParameters(found('content-type') ?? 'text/plain; charset=us-ascii');
  const disposition = found('content-disposition');
  const said = disposition === undefined ? undefined : valueWithParameters(disposition);
  const isDeep = depth >= 50;
  const boundary = value.startsWith('multipart/') && !isDeep ? parameters.boundary : undefined;
  return {
    head,
    headers,
    body,
    type: value.includes('/') ? value : 'text/plain',
    parameters,
    ...(said === undefined ? {} : { disposition: { type: said.value, parameters: said.parameters } }),
    encoding: (found('content-transfer-encoding') ?? '7bit').toLowerCase(),
    children: boundary ? splitParts(body, boundary).map((part) => parsePart(part, depth + 1)) : [],
    ...(value === 'message/rfc822' && !isDeep ? { message: parsePart(body, depth + 1) } : {}),
  };
}

/** The part itself, all below it, and the mails in it. */
export const everyPart = (part: Part): Part[] => [
  part,
  ...part.children.flatMap(everyPart),
  ...(part.message ? everyPart(part.message) : []),
];
