/** The mail part of the settings: which servers, who signs in, what our address is. Reads no environment itself. */
import { z } from 'zod';
import { UsageError } from './errors.ts';

const text = z.string().trim().min(1);

/** A password with "#", "?" or "/" as it is would be cut off there, and the name be taken for the host. */
function isServerUrl(text: string, protocols: readonly string[]): boolean {
  const url = URL.parse(text);
  if (!url || !protocols.includes(url.protocol) || url.hostname === '' || url.search !== '' || url.hash !== '')
    return false;
  if (url.protocol.startsWith('smtp') && url.pathname.length > 1) return false;
  try {
    for (const part of [url.username, url.password, url.pathname]) decodeURIComponent(part);
    return true;
  } catch {
    return false;
  }
}

const serverUrl = (protocols: readonly string[]) =>
  text.refine((url) => isServerUrl(url, protocols), {
    error: `it must look like ${protocols[0]}//name:password@host, other signs than letters and digits in name and password written as in URLs ("@" is %40, "#" is %23, "%" is %25)`,
  });

const ADDRESS = /^[^\s<>"(),:;@\\]{1,64}@[^\s<>"(),:;@\\]{1,255}$/;

export const mailEnvironment = {
  SMTP_URL: serverUrl(['smtps:', 'smtp:'])
    .optional()
    .meta({ example: 'smtps://backup%40example.org:app-password@smtp.example.org', secret: true })
    .describe(
      'Sends mails: smtps:// (TLS, port 465) or smtp:// (STARTTLS, port 587); "@" in the name is written %40. Default: mails are files in the data folder.',
    ),
  IMAP_URL: serverUrl(['imaps:', 'imap:'])
    .optional()
    .meta({ example: 'imaps://backup%40example.org:app-password@imap.example.org/INBOX', secret: true })
    .describe(
      'Reads replies: the mailbox, with a folder after the host if it is not INBOX. Default: replies are not read.',
    ),
  MAIL_FROM: text
    .refine((address) => ADDRESS.test(address), { error: 'it must be one plain address' })
    .optional()
    .meta({ example: 'backup@example.org' })
    .describe('The address of this Keepsake. Default: the name in SMTP_URL or IMAP_URL.'),
  MAIL_TAGS: z
    .enum(['yes', 'no'], { error: 'it must be yes or no' })
    .default('yes')
    .meta({ example: 'yes' })
    .describe(
      'Whether mail to backup+anything@example.org arrives at backup@example.org (Gmail, Outlook, Fastmail, iCloud and Postfix do): yes or no. Default: yes.',
    ),
  MAIL_OAUTH: z
    .enum(['google', 'microsoft'], { error: 'it must be google or microsoft' })
    .optional()
    .meta({ example: 'microsoft' })
    .describe('Signs in to SMTP and IMAP with OAuth2 instead of a password: google or microsoft.'),
  MAIL_OAUTH_CLIENT_ID: text
    .optional()
    .meta({ example: '00000000-0000-0000-0000-000000000000' })
    .describe('OAuth2: the client (application) id.'),
  MAIL_OAUTH_CLIENT_SECRET: text
    .optional()
    .meta({ example: 'the client secret, where the application has one', secret: true })
    .describe('OAuth2: the client secret; Microsoft has none for public clients.'),
  MAIL_OAUTH_REFRESH_TOKEN: text
    .optional()
    .meta({ example: 'what "npm run mail:sign-in" prints', secret: true })
    .describe('OAuth2: the refresh token.'),
  MAIL_DKIM_KEY: text
    .optional()
    .meta({ example: '/etc/keepsake/dkim.pem' })
    .describe('Signs mails (DKIM), for your own server that does not: file with the private key.'),
  MAIL_DKIM_SELECTOR: text
    .optional()
    .meta({ example: 'keepsake' })
    .describe('DKIM: the selector; the public key is at <selector>._domainkey.<domain of MAIL_FROM>.'),
  MAIL_LISTEN: z.coerce
    .number({ error: 'it must be a number' })
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .meta({ example: '25' })
    .describe('Takes mails by SMTP on this port, for people whose MX record points here. Default: it does not.'),
  MAIL_TLS_CERT: text
    .optional()
    .meta({ example: '/etc/keepsake/fullchain.pem' })
    .describe('SMTP on MAIL_LISTEN: file with the certificate for STARTTLS.'),
  MAIL_TLS_KEY: text
    .optional()
    .meta({ example: '/etc/keepsake/privkey.pem' })
    .describe('SMTP on MAIL_LISTEN: file with its private key.'),
  MAIL_AUTHSERV: text
    .optional()
    .meta({ example: 'mx.google.com' })
    .describe(
      "Trusts the Authentication-Results that the mailbox's own server writes on top, if they bear this name. Default: Keepsake checks DKIM itself.",
    ),
};

const environment = z.object(mailEnvironment);
export type MailValues = z.infer<typeof environment>;

export interface MailServer {
  host: string;
  port: number;
  /** TLS from the first byte; otherwise it is switched on before anything is said, except on this machine itself. */
  secure: boolean;
  user?: string;
  password?: string;
}

export interface MailConfig {
  /** Our address. */
  from: string;
  smtp?: MailServer;
  imap?: MailServer & { folder: string };
  oauth?: { provider: 'google' | 'microsoft'; clientId: string; clientSecret?: string; refreshToken: string };
  dkim?: { domain: string; selector: string; keyFile: string };
  listen?: { port: number; tls?: { certFile: string; keyFile: string } };
  /** Whose Authentication-Results are believed. */
  authserv?: string;
  /** `name+tag@` arrives at `name@`. */
  tags: boolean;
}

const PORTS: Record<string, number> = { 'smtps:': 465, 'smtp:': 587, 'imaps:': 993, 'imap:': 143 };

function serverOf(text: string): { server: MailServer; path: string; user: string | undefined } {
  const url = new URL(text);
  const user = url.username === '' ? undefined : decodeURIComponent(url.username);
  return {
    user,
    server: {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port === '' ? (PORTS[url.protocol] ?? 0) : Number(url.port),
      secure: url.protocol.endsWith('s:'),
      ...(user === undefined ? {} : { user }),
      ...(url.password === '' ? {} : { password: decodeURIComponent(url.password) }),
    },
    path: decodeURIComponent(url.pathname.replace(/^\//, '')),
  };
}

function needs(what: string, name: string, how: string): never {
  throw new UsageError(`${what} is set, but ${name} is missing. Keepsake did not start.`, {
    code: 'bad_config',
    advice: `Set ${name} (${how}), or remove ${what}.`,
  });
}

/** Undefined when no mail server is set. Throws `UsageError` that names what is missing when only a part is. */
export function mailConfig(values: MailValues): MailConfig | undefined {
  const { SMTP_URL, IMAP_URL, MAIL_LISTEN, MAIL_OAUTH } = values;
  if (SMTP_URL === undefined && IMAP_URL === undefined && MAIL_LISTEN === undefined) return undefined;
  const smtp = SMTP_URL === undefined ? undefined : serverOf(SMTP_URL);
  const imap = IMAP_URL === undefined ? undefined : serverOf(IMAP_URL);
  const user = [smtp?.user, imap?.user].find((name) => name !== undefined && ADDRESS.test(name));
  const what = SMTP_URL !== undefined ? 'SMTP_URL' : IMAP_URL !== undefined ? 'IMAP_URL' : 'MAIL_LISTEN';
  const from = (values.MAIL_FROM ?? user ?? needs(what, 'MAIL_FROM', 'the address of this Keepsake')).toLowerCase();
  if (imap && imap.server.password === undefined && MAIL_OAUTH === undefined)
    needs('IMAP_URL', 'its password', 'imaps://name:password@host, or MAIL_OAUTH instead');
  const microsoft = MAIL_OAUTH === 'microsoft';
  return {
    from,
    ...(smtp ? { smtp: smtp.server } : {}),
    ...(imap ? { imap: { user: from, ...imap.server, folder: imap.path === '' ? 'INBOX' : imap.path } } : {}),
    ...(MAIL_OAUTH === undefined
      ? {}
      : {
          oauth: {
            provider: MAIL_OAUTH,
            clientId: values.MAIL_OAUTH_CLIENT_ID ?? needs('MAIL_OAUTH', 'MAIL_OAUTH_CLIENT_ID', 'docs/mail.md'),
            ...(values.MAIL_OAUTH_CLIENT_SECRET === undefined
              ? microsoft
                ? {}
                : needs('MAIL_OAUTH', 'MAIL_OAUTH_CLIENT_SECRET', 'docs/mail.md')
              : { clientSecret: values.MAIL_OAUTH_CLIENT_SECRET }),
            refreshToken:
              values.MAIL_OAUTH_REFRESH_TOKEN ??
              needs('MAIL_OAUTH', 'MAIL_OAUTH_REFRESH_TOKEN', 'npm run mail:sign-in prints it'),
          },
        }),
    ...(values.MAIL_DKIM_KEY === undefined
      ? {}
      : {
          dkim: {
            domain: from.slice(from.lastIndexOf('@') + 1),
            selector: values.MAIL_DKIM_SELECTOR ?? needs('MAIL_DKIM_KEY', 'MAIL_DKIM_SELECTOR', 'as in your DNS'),
            keyFile: values.MAIL_DKIM_KEY,
          },
        }),
    ...(MAIL_LISTEN === undefined
      ? {}
      : {
          listen: {
            port: MAIL_LISTEN,
            ...(values.MAIL_TLS_CERT === undefined
              ? {}
              : {
                  tls: {
                    certFile: values.MAIL_TLS_CERT,
                    keyFile: values.MAIL_TLS_KEY ?? needs('MAIL_TLS_CERT', 'MAIL_TLS_KEY', 'file with its private key'),
                  },
                }),
          },
        }),
    ...(values.MAIL_AUTHSERV === undefined ? {} : { authserv: values.MAIL_AUTHSERV }),
    tags: values.MAIL_TAGS === 'yes',
  };
}

/** What must not stand in any log, whoever quotes it: a mail server may repeat what it was told. */
export const mailSecrets = ({ smtp, imap, oauth }: MailConfig): string[] =>
  [smtp?.password, imap?.password, oauth?.clientSecret, oauth?.refreshToken].filter((secret) => secret !== undefined);
