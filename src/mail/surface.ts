/** Mail as the server runs it: reports out by SMTP, replies in from a mailbox or by SMTP, and the pages that mails link to. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AuthRequired, UsageError } from '../engine/errors.ts';
import type { MailConfig } from '../engine/mail-config.ts';
import type { Deliverer, MailServices } from '../engine/services.ts';
import type { ProviderContext } from '../engine/types.ts';
import { listIdOf } from './address.ts';
import { authenticate } from './authenticate.ts';
import { createMailDeliverer } from './deliver.ts';
import { createImapDoor } from './imap.ts';
import { createInbound } from './inbound.ts';
import { createInbox } from './inbox.ts';
import type { MailDoor } from './mail.ts';
import { createMailAuth } from './oauth.ts';
import { closeParser, parseMail } from './parse.ts';
import { createResolver } from './resolver.ts';

export interface MailSurfaceOrder {
  config: MailConfig;
  services: MailServices;
  http: ProviderContext['http'];
  /** Replaced addresses of services, by lower-case name: `dns`, `mail_oauth`. */
  endpoints: Record<string, string>;
  /** Where this Keepsake is reached from outside. */
  url?: string;
  data: string;
}

export interface MailSurface {
  deliverer: Deliverer;
  /**
   * Takes mails until the signal is aborted; resolves when what is in hand is told. A mailbox that refuses the login, or a
   * port that is taken, is told in the log and ends only that way in.
   */
  run(signal: AbortSignal, onReady?: () => void): Promise<void>;
  close(): Promise<void>;
}

export function createMailSurface({ config, services, http, endpoints, url, data }: MailSurfaceOrder): MailSurface {
  const { clock, log, vault, tokens } = services;
  const { from } = config;
  const auth = createMailAuth({ config, vault, http, endpoints, clock });
  const deliverer = createMailDeliverer({ config, services, auth, ...(url === undefined ? {} : { url }) });
  const resolver = createResolver(endpoints.dns === undefined ? {} : { server: endpoints.dns });
  const inbox = createInbox({
    from,
    listId: listIdOf(from),
    archive: join(data, 'archive'),
    services,
    parse: parseMail,
    authenticate: (mail, { signal }) =>
      authenticate(mail, {
        resolver,
        signal,
        ...(config.authserv === undefined ? {} : { authserv: config.authserv }),
      }),
  });

  async function doors(): Promise<MailDoor[]> {
    const { imap, listen, tags } = config;
    const open: MailDoor[] = [];
    if (imap) {
      const { accessToken } = auth;
      open.push(createImapDoor({ server: imap, vault, clock, log, ...(accessToken ? { accessToken } : {}) }));
    }
    if (listen) {
      const tls = listen.tls && {
        cert: await readFile(listen.tls.certFile, 'utf8'),
        key: await readFile(listen.tls.keyFile, 'utf8'),
      };
      open.push(
        createInbound({
          port: listen.port,
          ...(tls ? { tls } : {}),
          from,
          tags,
          spool: join(data, 'mail', 'inbound'),
          accepts: async (token, use) =>
            (use === 'r' ? await tokens.findReply(token) : await tokens.findUnsubscribe(token)) !== undefined,
          log,
          clock,
        }),
      );
    }
    return open;
  }

  async function listenAt(door: MailDoor, signal: AbortSignal, onReady: () => void): Promise<void> {
    try {
      await door.run(
        (mail) => inbox.take(mail, signal),
        signal,
        () => {
          log('info', 'mail.connected', { door: door.name });
          services
            .markDoor({ name: door.name })
            .catch((error: unknown) => log('warn', 'mail.not_marked', { door: door.name, error }));
          onReady();
        },
      );
    } catch (error) {
      if (!(error instanceof AuthRequired || error instanceof UsageError)) throw error;
      const { message, advice } = error;
      log('error', 'mail.refused', { door: door.name, message, advice });
      await services.markDoor({ name: door.name, closed: `${message} ${advice}` });
    }
  }

  return {
    deliverer,
    async run(signal, onReady = () => {}) {
      try {
        await Promise.all((await doors()).map((door) => listenAt(door, signal, onReady)));
      } finally {
        await closeParser();
      }
    },
    close: () => deliverer.close(),
  };
}
