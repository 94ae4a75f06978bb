/** A name server on loopback that says what a test wants it to say (RFC 1035, over UDP), and a few wrong things. */
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';

const TYPES = { A: 1, CNAME: 5, PTR: 12, MX: 15, TXT: 16, AAAA: 28 } as const;
export type DnsType = keyof typeof TYPES;

/** `silence`: no answer at all, as of a server that is down. A name without the type it is asked for has no data (NODATA). */
export type DnsFault = 'NXDOMAIN' | 'SERVFAIL' | 'silence';
/** MX as `10 mx.example.org`; the others as they are written in a zone file, TXT without its quotes. */
export type DnsValues = readonly string[] | DnsFault;
/** By name in lower case; a fault in place of the types is for all of them. */
export type DnsRecords = Record<string, Partial<Record<DnsType, DnsValues>> | DnsFault>;

export interface DnsServer {
  /** `dns://127.0.0.1:port` */
  url: string;
  /** What was asked, as `TXT example.org`, in its order; repetitions count. */
  queries: string[];
  set(name: string, type: DnsType, values: DnsValues): void;
  close(): Promise<void>;
}

function encodeName(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.from([Buffer.byteLength(label)]), Buffer.from(label)])),
    Buffer.from([0]),
  ]);
}

function encodeAddress(address: string): Buffer {
  if (!isIPv6(address)) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = address.split('::');
  const groups = (text: string): string[] => text.split(':').filter((group) => group !== '');
  const [left, right] = [groups(head), groups(tail ?? '')];
  const all = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  return Buffer.from(all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]));
}

/** TXT is cut into strings of at most 255 bytes (RFC 1035 section 3.3.14); whoever reads joins them. */
function encodeText(text: string): Buffer {
  const bytes = Buffer.from(text);
  const parts: Buffer[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += 255) {
    const part = bytes.subarray(at, at + 255);
    parts.push(Buffer.from([part.length]), part);
  }
  return Buffer.concat(parts);
}

function encodeValue(type: DnsType, value: string): Buffer {
  if (type === 'A' || type === 'AAAA') return encodeAddress(value);
  if (type === 'TXT') return encodeText(value);
  if (type !== 'MX') return encodeName(value);
  const [priority, host = ''] = value.split(' ');
  return Buffer.concat([Buffer.from([Number(priority) >> 8, Number(priority) & 255]), encodeName(host)]);
}

interface Query {
  id: number;
  name: string;
  type: number;
  /** The question as it came; the answer repeats it. */
  question: Buffer;
}

function readQuery(message: Buffer): Query {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('utf8', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return {
    id: message.readUInt16BE(0),
    name: labels.join('.').toLowerCase(),
    type: message.readUInt16BE(at + 1),
    question: message.subarray(12, at + 5),
  };
}

const CODES = { NXDOMAIN: 3, SERVFAIL: 2 } as const;

function encodeAnswer(query: Query, type: DnsType, values: readonly string[] | 'NXDOMAIN' | 'SERVFAIL'): Buffer {
  const list = typeof values === 'string' ? [] : values;
  const head = Buffer.alloc(12);
  head.writeUInt16BE(query.id, 0);
  // A response to a recursive query, recursion available.
  head.writeUInt16BE(0x8180 | (typeof values === 'string' ? CODES[values] : 0), 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(list.length, 6);
  const records = list.map((value) => {
    const data = encodeValue(type, value);
    const record = Buffer.alloc(12);
    // The name is the one at byte 12, the question's (RFC 1035 section 4.1.4).
    record.writeUInt16BE(0xc00c, 0);
    record.writeUInt16BE(TYPES[type], 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt32BE(60, 6);
    record.writeUInt16BE(data.length, 10);
    return Buffer.concat([record, data]);
  });
  return Buffer.concat([head, query.question, ...records]);
}

export async function startDns(records: DnsRecords = {}): Promise<DnsServer> {
  const zone = new Map(Object.entries(records).map(([name, types]) => [name.toLowerCase(), types]));
  const queries: string[] = [];
  const find = (name: string, type: DnsType | undefined): DnsValues => {
    const types = zone.get(name);
    if (types === undefined) return 'NXDOMAIN';
    if (typeof types === 'string') return types;
    return (type === undefined ? undefined : types[type]) ?? [];
  };
  const socket = createSocket('udp4');
  socket.on('message', (message, from) => {
    const query = readQuery(message);
    const type = (Object.keys(TYPES) as DnsType[]).find((name) => TYPES[name] === query.type);
    queries.push(`${type ?? query.type} ${query.name}`);
    const values = find(query.name, type);
    if (values === 'silence') return;
    socket.send(encodeAnswer(query, type ?? 'TXT', values), from.port, from.address);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(0, '127.0.0.1', resolve);
  });
  return {
    url: `dns://127.0.0.1:${socket.address().port}`,
    queries,
    set(name, type, values) {
      const types = zone.get(name.toLowerCase());
      zone.set(name.toLowerCase(), { ...(typeof types === 'object' ? types : {}), [type]: values });
    },
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}
