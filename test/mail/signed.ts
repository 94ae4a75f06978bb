/** Mails that are really signed, with keys made here and published by the name server of the test. */
import { generateKeyPairSync } from 'node:crypto';
import { type DKIMSignOptions, dkimSign } from 'mailauth';
import type { RawMail } from '../../src/mail/mail.ts';

export interface Key {
  /** PEM. */
  secret: string;
  /** The value of `<selector>._domainkey.<domain>`. */
  record: string;
}

export function rsaKey(bits = 2048, flags = ''): Key {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  return {
    secret: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    record: `v=DKIM1; k=rsa; ${flags}p=${publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`,
  };
}

export function ed25519Key(): Key {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const der = publicKey.export({ type: 'spki', format: 'der' });
  return {
    secret: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    record: `v=DKIM1; k=ed25519; p=${der.subarray(-32).toString('base64')}`,
  };
}

export const RECEIVED = '2026-08-04T10:00:05.000Z';
const SIGNED = new Date('2026-08-04T10:00:00Z');

/** `headers` in their order; lines end in CRLF. */
export const mailText = (
  headers: Record<string, string | readonly string[]> = {},
  body: string = 'run now\r\n',
): string => {
  const all = {
    From: 'Owner <owner@example.org>',
    To: 'backup@keepsake.example',
    Subject: 'Re: Photos',
    Date: 'Tue, 04 Aug 2026 10:00:00 +0000',
    'Message-ID': '<1@example.org>',
    'MIME-Version': '1.0',
    'Content-Type': 'text/plain; charset=utf-8',
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, values]) =>
    [values].flat().map((value) => `${name}: ${value}\r\n`),
  );
  return `${lines.join('')}\r\n${body}`;
};

export type Signing = Partial<DKIMSignOptions> & { domain?: string };

/** The mail with a signature on top. */
export async function sign(mail: string, { secret }: Key, { domain = 'example.org', expires, ...more }: Signing = {}) {
  const one = { signingDomain: domain, selector: 's', privateKey: secret, ...more };
  const { signatures, errors } = await dkimSign(Buffer.from(mail), {
    ...one,
    signTime: SIGNED,
    ...(expires === undefined ? {} : { expires }),
    signatureData: [one],
  });
  const [error] = errors;
  if (error) throw error.err;
  return `${signatures}${mail}`;
}

export const raw = (mail: string | Uint8Array, more: Partial<RawMail> = {}): RawMail => ({
  bytes: Buffer.from(mail),
  received: RECEIVED,
  ...more,
});
