/** ENVELOPE and BODYSTRUCTURE (RFC 3501 section 7.4.2). */
import { headerOf, type Part } from './mime.ts';
import { textOf } from './syntax.ts';

/** `Ana <ana@example.org>, b@c` taken apart; groups and comments are left out. */
export function addressesOf(value: string): { name: string; address: string }[] {
  return (value.match(/(?:"(?:[^"\\]|\\.)*"|<[^>]*>|[^,])+/g) ?? []).flatMap((one) => {
    const angle = /^(.*)<([^>]*)>\s*$/s.exec(one);
    const address = (angle ? (angle[2] ?? '') : one).trim();
    const name = (angle?.[1] ?? '')
      .trim()
      .replace(/^"(.*)"$/s, '$1')
      .replace(/\\(.)/g, '$1');
    return address.includes('@') ? [{ name, address }] : [];
  });
}

function addressList(part: Part, header: string): string {
  const list = addressesOf(headerOf(part, header) ?? '').map(({ name, address }) => {
    const at = address.lastIndexOf('@');
    const words = [name === '' ? undefined : name, undefined, address.slice(0, at), address.slice(at + 1)];
    return `(${words.map(textOf).join(' ')})`;
  });
  return list.length === 0 ? 'NIL' : `(${list.join('')})`;
}

export function envelopeOf(part: Part): string {
  const text = (name: string): string => textOf(headerOf(part, name));
  const from = addressList(part, 'From');
  const orFrom = (name: string): string => {
    const list = addressList(part, name);
    return list === 'NIL' ? from : list;
  };
  const people = [
    from,
    orFrom('Sender'),
    orFrom('Reply-To'),
    ...['To', 'Cc', 'Bcc'].map((one) => addressList(part, one)),
  ];
  return `(${[text('Date'), text('Subject'), ...people, text('In-Reply-To'), text('Message-ID')].join(' ')})`;
}

function parametersOf(parameters: Record<string, string>): string {
  const words = Object.entries(parameters).flatMap((pair) => pair.map(textOf));
  return words.length === 0 ? 'NIL' : `(${words.join(' ')})`;
}

const linesIn = (body: string): number => body.split('\r\n').length - (body.endsWith('\r\n') || body === '' ? 1 : 0);

/** `extended`: BODYSTRUCTURE; otherwise BODY. */
export function structureOf(part: Part, extended: boolean): string {
  const [type = '', subtype = ''] = part.type.split('/');
  const disposition =
    part.disposition === undefined
      ? 'NIL'
      : `(${textOf(part.disposition.type)} ${parametersOf(part.disposition.parameters)})`;
  const tail = `${disposition} NIL NIL`;
  if (part.children.length > 0) {
    const children = part.children.map((child) => structureOf(child, extended)).join('');
    return `(${children} ${textOf(subtype)}${extended ? ` ${parametersOf(part.parameters)} ${tail}` : ''})`;
  }
  const basic = [
    textOf(type),
    textOf(subtype),
    parametersOf(part.parameters),
    textOf(headerOf(part, 'Content-ID')),
    textOf(headerOf(part, 'Content-Description')),
    textOf(part.encoding),
    String(part.body.length),
  ];
  if (part.message) {
    basic.push(envelopeOf(part.message), structureOf(part.message, extended), String(linesIn(part.body)));
  } else if (type === 'text') basic.push(String(linesIn(part.body)));
  return `(${basic.join(' ')}${extended ? ` ${textOf(headerOf(part, 'Content-MD5'))} ${tail}` : ''})`;
}
