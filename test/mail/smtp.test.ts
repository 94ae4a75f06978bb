/** Handing mails to a server: what each refusal means, how a login is treated, that nothing goes out in the open. */
import { connect } from 'node:net';
import { createTransport } from 'nodemailer';
import type { GetSocketCallback } from 'nodemailer/lib/mailer';
import { afterEach, describe, expect, it } from 'vitest';
import {
  AuthRequired,
  type KeepsakeError,
  RetryLater,
  Stopped,
  Undeliverable,
  UsageError,
} from '../../src/engine/errors.ts';
import { smtpError } from '../../src/mail/refusals.ts';
import { createSmtp, type Smtp, smtpOptions } from '../../src/mail/smtp.ts';
import { testClock } from '../commands/world.ts';
import { certificateFor, type SinkOrder, startScript, startSink } from './sink.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const MAIL = Buffer.from('Subject: x\r\n\r\n.\r\n..\r\n.dot\r\nlast\r\n');
const live = (): AbortSignal => new AbortController().signal;

async function sink(order: SinkOrder = {}) {
  const server = await startSink(order);
  cleanups.push(server.close);
  return server;
}

async function script(say: Parameters<typeof startScript>[0]) {
  const server = await startScript(say);
  cleanups.push(server.close);
  return server;
}

function smtpTo(
  port: number,
  more: Partial<Parameters<typeof createSmtp>[0]> & { user?: string; password?: string } = {},
): Smtp {
  const { user, password, ...rest } = more;
  const smtp = createSmtp({
    server: {
      host: '127.0.0.1',
      port,
      secure: false,
      ...(user === undefined ? {} : { user }),
      ...(password === undefined ? {} : { password }),
    },
    from: 'backup@example.org',
    clock: testClock(),
    ...rest,
  });
  cleanups.push(() => smtp.close());
  return smtp;
}

const send = (smtp: Smtp, to = 'ana@example.com', signal = live(), mail = MAIL): Promise<void> =>
  smtp.send({ from: 'backup@example.org', to, mail, signal });

const failure = async (work: Promise<unknown>): Promise<KeepsakeError> => {
  try {
    await work;
  } catch (error) {
    return error as KeepsakeError;
  }
  throw new Error('it did not fail');
};

/** Greets, offers what is given, and takes everything else. */
const polite =
  (offers: readonly string[], more: (line: string) => string | null | undefined = () => undefined) =>
  (line: string): string | null | undefined => {
    const said = more(line);
    if (said !== undefined) return said;
    if (line === '') return '220 hello';
    if (line.startsWith('EHLO')) return ['250-hello', ...offers.map((one) => `250-${one}`), '250 HELP'].join('\r\n');
    if (line.startsWith('DATA')) return '354 go on';
    if (line.startsWith('QUIT')) return '221 bye';
    return '250 ok';
  };

describe('a mail that is taken', () => {
  it('arrives byte for byte, for exactly one recipient, over one connection for several', async () => {
    const server = await sink();
    const smtp = smtpTo(server.port);
    await send(smtp);
    await send(smtp, 'ben@example.com');
    expect(server.taken).toEqual([
      { from: 'backup@example.org', to: ['ana@example.com'], text: MAIL.toString() },
      { from: 'backup@example.org', to: ['ben@example.com'], text: MAIL.toString() },
    ]);
    expect(server.connections()).toBe(1);
  });

  it('takes two connections at most, however many mails wait', async () => {
    const server = await sink();
    const smtp = smtpTo(server.port);
    await Promise.all(Array.from({ length: 20 }, (_, i) => send(smtp, `a${i}@example.com`)));
    expect(server.taken).toHaveLength(20);
    expect(server.connections()).toBe(2);
  });

  it('goes over a new connection when the server closed the old one in between', async () => {
    let greeted = 0;
    const server = await script(
      polite([], (line) => {
        if (line === '') greeted++;
        return greeted === 1 && server.mails.length === 1 && line.startsWith('MAIL') ? null : undefined;
      }),
    );
    const smtp = smtpTo(server.port);
    await send(smtp);
    await send(smtp);
    expect(server.mails).toHaveLength(2);
    expect(greeted).toBe(2);
  });
});

describe('what a server refuses', () => {
  const LATER = { kind: RetryLater, code: 'retry_later' };
  const NOBODY = { kind: Undeliverable, code: 'address_refused' };
  const RULES = { kind: Undeliverable, code: 'refused' };
  const LARGE = { kind: Undeliverable, code: 'too_large' };
  const FROM = { kind: UsageError, code: 'mail_from' };
  const LOGIN = { kind: AuthRequired, code: 'mail_login' };

  it.each([
    ['rcptTo', '550 5.1.1 No such user here', NOBODY],
    ['rcptTo', '550 No such user here', NOBODY],
    ['rcptTo', '551 User not local', NOBODY],
    ['rcptTo', '553 5.1.3 Bad address syntax', NOBODY],
    ['rcptTo', '550 5.2.1 Mailbox disabled', NOBODY],
    ['rcptTo', '550 5.7.1 Your network is not welcome', RULES],
    ['rcptTo', '550 Relaying denied', RULES],
    ['rcptTo', '554 5.7.1 Rejected by a blocklist', RULES],
    ['rcptTo', '550 Blocked using zen.spamhaus.org', RULES],
    ['rcptTo', '450 4.2.0 Greylisted, come back in five minutes', LATER],
    ['rcptTo', '451 4.7.1 Please try again later', LATER],
    ['rcptTo', '452 4.2.2 Mailbox full', LATER],
    ['rcptTo', '552 5.2.2 Mailbox full', LATER],
    ['rcptTo', '503 5.5.1 Out of step', LATER],
    ['mailFrom', '553 5.7.1 Sender address rejected: not owned by user', FROM],
    ['mailFrom', '550 5.1.8 Sender domain unknown', FROM],
    ['mailFrom', '501 5.1.7 Bad sender', FROM],
    ['mailFrom', '530 5.7.0 Authentication required', LOGIN],
    ['mailFrom', '451 4.3.0 Busy', LATER],
    ['mailFrom', '552 5.3.4 Message size exceeds limit', LARGE],
    ['data', '554 5.7.1 This looks like spam', RULES],
    ['data', '550 5.7.26 Unauthenticated mail', RULES],
    ['data', '550 Content rejected', RULES],
    ['data', '550 5.1.1 No such user after all', NOBODY],
    ['data', '552 Too big', LARGE],
    ['data', '552 5.2.3 Message length exceeds limit', LARGE],
    ['data', '451 4.3.0 Disk trouble', LATER],
    ['data', '421 4.3.2 Going down', LATER],
  ] as const)('%s: %s', async (step, words, expected) => {
    const server = await sink({ [step]: () => words });
    const error = await failure(send(smtpTo(server.port)));
    expect(error).toBeInstanceOf(expected.kind);
    expect(error.code).toBe(expected.code);
    expect(error.message.length).toBeLessThan(500);
    expect(error.advice).not.toBe('');
    expect(server.taken).toEqual([]);
  });

  it('tells what the server said about an address, and only that', async () => {
    const server = await sink({ rcptTo: () => '550 5.1.1 No such user \u001b[31mhere\u0007' });
    const error = await failure(send(smtpTo(server.port)));
    expect(error.message).toMatch(/^550 5\.1\.1 No such user .*here/);
    expect(error.message).not.toMatch(/\p{Cc}/u);
  });

  it('goes on with the next mail after one that is refused', async () => {
    const server = await sink({ rcptTo: (address) => (address === 'no@example.com' ? '550 5.1.1 No' : undefined) });
    const smtp = smtpTo(server.port);
    await failure(send(smtp, 'no@example.com'));
    await send(smtp);
    expect(server.taken).toHaveLength(1);
  });

  it('does not even begin with a mail that is larger than the server announces (RFC 1870)', async () => {
    const server = await sink({ options: { size: 1_000 } });
    const error = await failure(send(smtpTo(server.port), 'ana@example.com', live(), Buffer.alloc(2_000, 'x')));
    expect(error).toBeInstanceOf(Undeliverable);
    expect(error.code).toBe('too_large');
  });
});

describe('a server that is away', () => {
  it('is tried again later: nobody listens', async () => {
    const server = await startScript(() => '220 hello');
    await server.close();
    const error = await failure(send(smtpTo(server.port)));
    expect(error).toBeInstanceOf(RetryLater);
    expect(error.message).toContain(`127.0.0.1:${server.port} does not answer (ECONNREFUSED)`);
  });

  it.each([
    ['hangs up at once', ''],
    ['hangs up at EHLO', 'EHLO'],
    ['hangs up in the middle', 'RCPT'],
    ['takes the mail and hangs up before it says so', '.'],
  ])('is tried again later: %s', async (_what, at) => {
    const server = await script(
      polite([], (line) => (at === '' || (line !== '' && line.startsWith(at)) ? null : undefined)),
    );
    expect(await failure(send(smtpTo(server.port)))).toBeInstanceOf(RetryLater);
    // Never a second time by itself: it may have arrived.
    expect(server.mails).toHaveLength(at === '.' ? 1 : 0);
  });

  it('is tried again later: talks nonsense, or answers without an end', async () => {
    const nonsense = await script(() => 'SSH-2.0-OpenSSH_9.9');
    expect(await failure(send(smtpTo(nonsense.port)))).toBeInstanceOf(RetryLater);
    const endless = await script((line) => (line === '' ? `220-${'x'.repeat(200_000)}` : '250 ok'));
    expect(await failure(send(smtpTo(endless.port)))).toBeInstanceOf(RetryLater);
  });

  it.each([
    ['says nothing', () => undefined],
    ['stops in the middle', polite([], (line) => (line.startsWith('RCPT') ? '' : undefined))],
    ['never says that it took it', polite([], (line) => (line === '.' ? '' : undefined))],
  ])('is left at once when asked to: %s', async (_what, say) => {
    // An empty answer is none.
    const server = await script((line) => say(line) || undefined);
    const controller = new AbortController();
    const sending = failure(send(smtpTo(server.port), 'ana@example.com', controller.signal));
    await expect.poll(() => server.open()).toBe(1);
    controller.abort(new Stopped('Keepsake is being stopped.'));
    expect(await sending).toBeInstanceOf(Stopped);
    await expect.poll(() => server.open()).toBe(0);
  });

  it('is not called by one that was stopped before', async () => {
    const server = await sink();
    const signal = AbortSignal.abort(new Stopped('Stopped.'));
    expect(await failure(send(smtpTo(server.port), 'ana@example.com', signal))).toBeInstanceOf(Stopped);
    expect(server.connections()).toBe(0);
  });
});

describe('a login', () => {
  const password = 'hunter2-correct-horse';

  it('is given with name and password', async () => {
    const server = await sink({ login: ({ secret }) => (secret === password ? undefined : '535 5.7.8 No') });
    await send(smtpTo(server.port, { user: 'backup@example.org', password }));
    expect(server.logins).toEqual([`backup@example.org:${password}`]);
    expect(server.taken).toHaveLength(1);
  });

  it.each(['535 5.7.8 Username and Password not accepted', '534 5.7.9 Application-specific password required'])(
    'that is refused waits for somebody, and is not tried again by the next mail: %s',
    async (words) => {
      let right = false;
      const server = await sink({ login: () => (right ? undefined : words) });
      const clock = testClock();
      const smtp = smtpTo(server.port, { user: 'backup@example.org', password, clock });
      const error = await failure(send(smtp));
      expect(error).toBeInstanceOf(AuthRequired);
      expect(error.advice).toContain('SMTP_URL');
      expect(`${error.stack}${JSON.stringify(error)}${JSON.stringify(error.cause)}`).not.toContain(password);
      right = true;
      for (let i = 0; i < 10; i++) expect(await failure(send(smtp))).toBeInstanceOf(AuthRequired);
      expect(server.logins).toHaveLength(1);
      clock.forward(16 * 60_000);
      await send(smtp);
      expect(server.taken).toHaveLength(1);
    },
  );

  it('that cannot be checked now is tried again', async () => {
    const server = await sink({ login: () => '454 4.7.0 Temporary authentication failure' });
    const smtp = smtpTo(server.port, { user: 'backup@example.org', password });
    expect(await failure(send(smtp))).toBeInstanceOf(RetryLater);
    expect(await failure(send(smtp))).toBeInstanceOf(RetryLater);
    expect(server.logins).toHaveLength(2);
  });

  it('comes with advice for that service', () => {
    const refused = Object.assign(new Error('x'), { code: 'EAUTH', response: '535 5.7.8 no', command: 'AUTH PLAIN' });
    const advice = (host: string, oauth = false): string =>
      (smtpError(refused, { host, port: 587 }, oauth) as AuthRequired).advice;
    expect(advice('smtp.gmail.com')).toMatch(/app password/);
    expect(advice('smtp.office365.com')).toMatch(/MAIL_OAUTH=microsoft/);
    expect(advice('smtp-mail.outlook.com')).toMatch(/MAIL_OAUTH=microsoft/);
    expect(advice('smtp.example.org')).toMatch(/%40/);
    expect(advice('gmail.com.evil.example')).toMatch(/%40/);
    expect(advice('smtp.gmail.com', true)).toMatch(/mail:sign-in/);
  });
});

describe('a login with a token', () => {
  const bearer = (line: string): string | undefined =>
    /auth=Bearer ([\w-]+)/.exec(Buffer.from(/^AUTH XOAUTH2 (\S+)$/.exec(line)?.[1] ?? '', 'base64').toString())?.[1];
  const tokens = (...list: string[]) => {
    const asked: (string | undefined)[] = [];
    let at = 0;
    return {
      asked,
      accessToken: async (_signal: AbortSignal, refused?: string) => {
        asked.push(refused);
        if (refused !== undefined && refused === list[at]) at++;
        return list[at] ?? 'none';
      },
    };
  };

  it('that a server just refuses is renewed once (Outlook)', async () => {
    const seen: string[] = [];
    const server = await script(
      polite(['AUTH LOGIN XOAUTH2'], (line) => {
        const token = bearer(line);
        if (token === undefined) return undefined;
        seen.push(token);
        return token === 'new' ? '235 2.7.0 ok' : '535 5.7.3 Authentication unsuccessful';
      }),
    );
    const { accessToken } = tokens('old', 'new');
    await send(smtpTo(server.port, { accessToken }));
    expect(seen).toEqual(['old', 'new']);
    expect(server.mails).toHaveLength(1);
  });

  it('that a server asks to be renewed is renewed within the login (Gmail)', async () => {
    const seen: string[] = [];
    const server = await script(
      polite(['AUTH XOAUTH2'], (line) => {
        const token = bearer(line);
        // Gmail says no to the empty line that has to follow.
        if (line === '' && seen.length > 0) return '535 5.7.8 Username and Password not accepted';
        if (token === undefined) return undefined;
        seen.push(token);
        return token === 'new' ? '235 2.7.0 ok' : `334 ${Buffer.from('{"status":"400"}').toString('base64')}`;
      }),
    );
    const { accessToken } = tokens('old', 'new');
    await send(smtpTo(server.port, { accessToken }));
    expect(seen).toEqual(['old', 'new']);
    expect(server.mails).toHaveLength(1);
  });

  it('that is refused again and again waits for somebody', async () => {
    const seen: string[] = [];
    const server = await script(
      polite(['AUTH XOAUTH2'], (line) => {
        const token = bearer(line);
        if (token === undefined) return undefined;
        seen.push(token);
        return '535 5.7.3 Authentication unsuccessful';
      }),
    );
    const { accessToken } = tokens('a', 'b', 'c', 'd');
    const smtp = smtpTo(server.port, { accessToken });
    const error = await failure(send(smtp));
    expect(error).toBeInstanceOf(AuthRequired);
    expect(error.advice).toContain('npm run mail:sign-in');
    await failure(send(smtp));
    expect(seen).toEqual(['a', 'b']);
  });

  it('that was renewed within the login and refused again is not renewed a second time', async () => {
    const seen: string[] = [];
    const server = await script(
      polite(['AUTH XOAUTH2'], (line) => {
        const token = bearer(line);
        if (line === '' && seen.length > 0) return '535 5.7.8 Username and Password not accepted';
        if (token === undefined) return undefined;
        seen.push(token);
        return seen.length === 1 ? '334 eyJzdGF0dXMiOiI0MDAifQ==' : '535 5.7.8 Username and Password not accepted';
      }),
    );
    const { accessToken } = tokens('a', 'b', 'c');
    expect(await failure(send(smtpTo(server.port, { accessToken })))).toBeInstanceOf(AuthRequired);
    expect(seen).toEqual(['a', 'b']);
  });

  it.each([
    ['somebody has to sign in', new AuthRequired('Google no longer takes the sign-in for mail.')],
    ['the service is away', new RetryLater('Google does not answer.')],
  ])('that cannot be had says so: %s', async (_what, thrown) => {
    const server = await sink();
    const accessToken = async (): Promise<string> => {
      throw thrown;
    };
    expect(await failure(send(smtpTo(server.port, { accessToken })))).toBe(thrown);
    expect(server.taken).toEqual([]);
  });

  it('that cannot be renewed within a login says so', async () => {
    const server = await script(
      polite(['AUTH XOAUTH2'], (line) => (line.startsWith('AUTH') ? '334 eyJzdGF0dXMiOiI0MDAifQ==' : undefined)),
    );
    const thrown = new AuthRequired('Google no longer takes the sign-in for mail.');
    let asked = 0;
    const accessToken = async (): Promise<string> => {
      if (asked++ > 1) throw thrown;
      return 'old';
    };
    expect(await failure(send(smtpTo(server.port, { accessToken })))).toBe(thrown);
    expect(thrown.code).toBe('auth_required');
  });
});

const certificate = await certificateFor('mail.example.org');
const other = await certificateFor('other.example.org');

describe('a server elsewhere', () => {
  /** The settings for mail.example.org, with the connection led to loopback; nothing else is changed. */
  async function deliver(port: number, secure: boolean, ca?: string): Promise<Error> {
    const server = { host: 'mail.example.org', port, secure, user: 'backup@example.org', password: 'hunter2' };
    const { tls, ...options } = smtpOptions(server);
    const transport = createTransport({
      ...options,
      tls: { ...tls, ...(ca === undefined ? {} : { ca }) },
      getSocket: (_options: unknown, done: GetSocketCallback) => {
        const connection = connect(port, '127.0.0.1', () => done(null, { connection }));
      },
    });
    cleanups.push(() => transport.close({ force: true }));
    try {
      await transport.sendMail({ envelope: { from: 'backup@example.org', to: ['ana@example.com'] }, raw: MAIL });
    } catch (error) {
      return smtpError(error, server, false);
    }
    return new Error('sent');
  }

  it('that does not encrypt is told nothing', async () => {
    const heard: string[] = [];
    const server = await script(
      polite(['AUTH PLAIN LOGIN'], (line) => {
        heard.push(line.split(' ')[0] ?? '');
        return line === 'STARTTLS' ? '502 5.5.1 What?' : undefined;
      }),
    );
    expect(await deliver(server.port, false)).toMatchObject({ name: 'UsageError', code: 'mail_tls' });
    expect(heard).toEqual(['', 'EHLO', 'STARTTLS']);
  });

  const starttls = (more: object): SinkOrder => ({
    login: () => undefined,
    options: { disabledCommands: [], allowInsecureAuth: false, ...more },
  });

  it.each([
    ['STARTTLS', false],
    ['TLS from the first byte', true],
  ])('whose certificate nobody vouches for gets no password: %s', async (_what, secure) => {
    // Without one of its own the server takes a certificate whose key everybody knows.
    const server = await sink(starttls({ secure, logger: false }));
    expect(await deliver(server.port, secure)).toMatchObject({ name: 'UsageError', code: 'mail_certificate' });
    expect(server.logins).toEqual([]);
  });

  it.skipIf(!certificate || !other)(
    'with its certificate is spoken to; with another one it is not (openssl)',
    async () => {
      for (const secure of [false, true]) {
        const right = await sink(starttls({ secure, ...certificate }));
        expect((await deliver(right.port, secure, certificate?.cert)).message).toBe('sent');
        expect(right.logins).toEqual(['backup@example.org:hunter2']);
        const wrong = await sink(starttls({ secure, ...other }));
        expect(await deliver(wrong.port, secure, other?.cert)).toMatchObject({ code: 'mail_certificate' });
        expect(wrong.logins).toEqual([]);
      }
    },
  );

  it('is spoken to over TLS 1.2 at least, its certificate is checked, and it has less than two minutes', () => {
    const server = { host: 'mail.example.org', port: 587, secure: false };
    expect(smtpOptions(server)).toMatchObject({
      requireTLS: true,
      tls: { minVersion: 'TLSv1.2', rejectUnauthorized: true },
    });
    const { connectionTimeout = 0, greetingTimeout = 0, socketTimeout = 0, dnsTimeout = 0 } = smtpOptions(server);
    for (const limit of [connectionTimeout, greetingTimeout, socketTimeout, dnsTimeout]) {
      expect(limit).toBeGreaterThan(0);
      expect(limit).toBeLessThan(60_000);
    }
  });
});
