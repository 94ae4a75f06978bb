/** Hands mails to the mail server (RFC 5321, 6409). With `compose.ts` the owner of nodemailer. */
import { createTransport } from 'nodemailer';
import type { SMTPPoolOptions } from 'nodemailer/lib/smtp-pool';
import { AuthRequired } from '../engine/errors.ts';
import type { MailServer } from '../engine/mail-config.ts';
import type { Clock } from '../engine/types.ts';
import type { AccessToken } from './oauth.ts';
import { isLoginRefused, smtpError } from './refusals.ts';

export interface SmtpOrder {
  from: string;
  to: string;
  /** The mail as it leaves, lines ended by CRLF. */
  mail: Buffer;
  signal: AbortSignal;
}

export interface Smtp {
  /**
   * Resolves when the server has taken it. Throws what `smtpError` tells, and the signal's reason when aborted. After a
   * failure it may have arrived all the same: the server's word can get lost.
   */
  send(order: SmtpOrder): Promise<void>;
  close(): void;
}

/** Some accounts are locked after a handful of wrong passwords; each waiting message must not be one. */
const LOGIN_PAUSE = 15 * 60_000;
const LONGEST_TOKEN = 30_000;

/** This machine itself: nobody is between who could listen, and programs that hand mails on (bridges) sign for themselves. */
const isLoopback = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|::1)$/i.test(host);

export function smtpOptions({ host, port, secure, user, password }: MailServer): SMTPPoolOptions & { pool: true } {
  return {
    pool: true,
    host,
    port,
    secure,
    // STARTTLS or nothing, so that nobody on the way can talk us out of it (RFC 8314 4.1).
    ...(isLoopback(host) ? { opportunisticTLS: true } : { requireTLS: !secure }),
    tls: { minVersion: 'TLSv1.2', rejectUnauthorized: !isLoopback(host) },
    ...(user === undefined || password === undefined ? {} : { auth: { user, pass: password } }),
    maxConnections: 2,
    // Once for a connection that the server closed between two mails; the outbox does the rest.
    maxRequeues: 1,
    idleTimeout: 30_000,
    // Together less than the two minutes that the outbox gives a delivery.
    dnsTimeout: 10_000,
    connectionTimeout: 20_000,
    greetingTimeout: 20_000,
    socketTimeout: 50_000,
    socketCloseTimeout: 1_000,
    maxResponseSize: 64 * 1024,
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

/**
 * A token can be refused before its time: then another is taken, once. The library renews by itself where the server asks
 * in the middle of the login (Gmail), and does not where it just says no (Outlook).
 */
function withToken(
  transport: ReturnType<typeof createTransport>,
  accessToken: AccessToken,
  attempt: (order: SmtpOrder) => Promise<void>,
): (order: SmtpOrder) => Promise<void> {
  let given: string | undefined;
  const token = async (signal: AbortSignal, old?: string): Promise<string> => {
    given = await accessToken(signal, old);
    return given;
  };
  transport.set('oauth2_provision_cb', (_user, renew, done) => {
    token(AbortSignal.timeout(LONGEST_TOKEN), renew ? given : undefined).then(
      (fresh) => done(null, fresh),
      // Wrapped: the library writes its own code into the error that it is given.
      (cause: unknown) => done(new Error('There is no access token.', { cause })),
    );
  });
  return async (order) => {
    const first = await token(order.signal);
    try {
      await attempt(order);
    } catch (error) {
      if (!isLoginRefused(error) || given !== first) throw error;
      await token(order.signal, first);
      await attempt(order);
    }
  };
}

/** `from` is the login where the server's address names none. */
export function createSmtp(o: {
  server: MailServer;
  from: string;
  accessToken?: AccessToken;
  clock: Pick<Clock, 'now'>;
}): Smtp {
  const { server, accessToken, clock } = o;
  const options = smtpOptions(server);
  const transport = createTransport(
    accessToken ? { ...options, auth: { type: 'OAuth2', user: server.user ?? o.from } } : options,
  );
  let refused: { until: number; error: AuthRequired } | undefined;

  const attempt = async ({ from, to, mail, signal }: SmtpOrder): Promise<void> => {
    await transport.sendMail({ envelope: { from, to: [to], size: mail.byteLength }, raw: mail, signal });
  };
  const send = accessToken ? withToken(transport, accessToken, attempt) : attempt;

  return {
    async send(order) {
      order.signal.throwIfAborted();
      if (refused && clock.now().getTime() < refused.until) throw refused.error;
      try {
        await send(order);
        refused = undefined;
      } catch (cause) {
        order.signal.throwIfAborted();
        const error = smtpError(cause, server, accessToken !== undefined);
        if (error instanceof AuthRequired) refused = { until: clock.now().getTime() + LOGIN_PAUSE, error };
        throw error;
      }
    },
    close() {
      transport.close({ force: true });
    },
  };
}
