/** Mail as it runs on somebody's machine: several processes, wrong settings, servers that are away, ends in the middle. */
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect, createServer as createTcp, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { MailWorldOptions, Person, SeenMail } from '../servers/mail.ts';
import type { Program } from '../servers/program.ts';
import { freePort, openProgramWorld, PASSWORD, type ProgramWorld } from './program-world.ts';

let world: ProgramWorld;
let ana: Person;
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await world.close();
  for (const close of closing.splice(0)) await close();
});

async function open(o: MailWorldOptions = {}): Promise<void> {
  world = await openProgramWorld(o);
  ({ ana } = world.mails);
  await world.photos();
}

const backupLine = (): string =>
  `backup ${world.at('photos')} to ${world.at('copy')} weekly report always named photos`;
const claimOf = async (program: Program): Promise<string> => (await program.says(/claim ([0-9A-Z-]{14})/))[1] ?? '';

/** Ana owns it by the code of the log, and answers the welcome with a backup. Its first report. */
async function begin(program: Program): Promise<SeenMail> {
  const code = await claimOf(program);
  await program.says(/mail\.connected|mail\.listening/);
  await ana.send({ to: world.mails.address, subject: 'hello', text: `claim ${code}` });
  await ana.reply(await world.mail(ana, 'This Keepsake is yours now'), backupLine());
  return world.mail(ana, 'All 2 photos are safe');
}

/** What no program may say or keep as it is. */
async function keepsSecrets(...more: string[]): Promise<void> {
  const secrets = await world.secretsOf(ana);
  expect(secrets.length).toBeGreaterThan(0);
  // What was just sent is noted as sent a moment later.
  await expect.poll(() => world.leaks([PASSWORD, ...secrets, ...more])).toEqual([]);
}

/** A line to a server that can be taken away. */
async function lineTo(target: number): Promise<{ port: number; up(): Promise<void>; down(): Promise<void> }> {
  const port = await freePort();
  const sockets = new Set<Socket>();
  const server = createTcp((client) => {
    const far = connect(target, '127.0.0.1');
    for (const socket of [client, far]) {
      sockets.add(socket);
      socket
        .on('error', () => {})
        .on('close', () => {
          sockets.delete(socket);
          client.destroy();
          far.destroy();
        });
    }
    client.pipe(far).pipe(client);
  });
  const down = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  closing.push(down);
  return { port, up: () => new Promise((resolve) => server.listen(port, '127.0.0.1', resolve)), down };
}

describe('as processes', () => {
  it('one works backups and sends mails, another reads them: what is said here is done there', async () => {
    await open();
    const engine = world.start({ roles: ['engine', 'outbox'] });
    await claimOf(engine);
    const door = world.start({ roles: ['mail', 'web'] });
    const report = await begin(door);
    await writeFile(world.at('photos', 'new.jpg'), 'new');
    await ana.reply(report, 'run now');
    const second = await world.mail(ana, 'The one new photo is safe');
    expect(engine.said()).toContain('run_ended');
    expect(door.said()).not.toContain('run_ended');
    await ana.reply(second, 'pause');
    await world.mail(ana, 'photos is paused');
    // Each rests without the other.
    expect((await door.end()).code).toBe(0);
    await ana.reply(await world.mail(ana, 'It begins now'), 'resume');
    const again = world.start({ roles: ['mail'] });
    await world.mail(ana, /photos (is active|goes on|runs again)|[Rr]esumed|Next run/);
    expect((await again.end()).code).toBe(0);
    expect((await engine.end()).code).toBe(0);
    expect(world.mails.violations()).toEqual([]);
    await keepsSecrets();
  });

  it('beside the server, the terminal: an address, its code typed here, and then a report by mail', async () => {
    await open();
    const program = world.start();
    await program.says(/mail\.connected/);
    expect(await world.terminal([`mail ${ana.address}`])).toContain(`I have written to ${ana.address}`);
    const asked = await world.mail(ana, 'The code that confirms your address');
    const code = /link ([2-9A-Z-]{14})/.exec(asked.text)?.[1] ?? '';
    expect(await world.terminal([`link ${code}`])).toMatch(/reports|mail/i);
    await world.terminal([backupLine()]);
    const report = await world.mail(ana, 'All 2 photos are safe');
    await ana.reply(report, 'pause');
    await world.mail(ana, 'photos is paused');
    expect(await world.terminal(['list'])).toMatch(/paused/i);
    expect(world.mails.violations()).toEqual([]);
    await keepsSecrets(code);
  });

  it('ended by SIGTERM while a reply is worked: it rests, and says after the next start what came of it, once', async () => {
    await open();
    const program = world.start();
    const report = await begin(program);
    await writeFile(world.at('photos', 'film.mov'), new Uint8Array(200_000_000));
    await ana.reply(report, 'run now');
    const second = await world.mail(ana, 'The one new video is safe');
    const before = world.mails.imap.commands().filter((line) => line.includes('UID FETCH')).length + 1;
    const sent = await ana.reply(second, 'verify photos full');
    // It was read, so it is in hand; reading 200 MB back takes longer than that.
    const fetched = (): number => world.mails.imap.commands().filter((line) => line.includes('UID FETCH')).length;
    await expect.poll(fetched).toBeGreaterThan(before);
    const { code, ms } = await program.end();
    expect(code).toBe(0);
    expect(ms).toBeLessThan(25_000);
    const next = world.start();
    await next.says(/mail\.connected/);
    const answer = await ana.next(({ inReplyTo }) => inReplyTo === sent.messageId);
    expect(answer.text).toMatch(/being stopped|cut this off|as they should|identical|intact|verified/);
    await ana.reply(answer, 'pause photos');
    await world.mail(ana, 'photos is paused');
    expect((await ana.inbox()).filter(({ inReplyTo }) => inReplyTo === sent.messageId)).toHaveLength(1);
    await keepsSecrets();
  });
});

describe('settings and servers that are wrong', () => {
  it('a wrong password is told with what to do, and backups go on', async () => {
    await open();
    const environment = world.environment();
    world.mails.bot.password = 'changed';
    world.mails.smtp.users.set(world.mails.address, 'changed');
    const program = world.start({ environment });
    const [refused = ''] = await program.says(/error mail\.refused .*/);
    expect(refused).toMatch(/door=imap .*was refused.*Replies by mail are not read; backups go on.*advice=".*IMAP_URL/);
    await world.terminal([backupLine()], environment);
    expect(await world.terminal(['list'], environment)).toContain('photos');
    expect(await world.terminal([`mail ${ana.address}`], environment)).toMatch(/outbox\.later .*refuses the login/);
    expect((await program.end()).code).toBe(0);
    // One wrong password a message would lock the account.
    expect(world.mails.smtp.logins()).toBeLessThanOrEqual(3);
    expect(world.leaks([PASSWORD])).toEqual([]);
  });

  it('servers that are away when it starts, and for a minute more, cost nothing but time', async () => {
    await open();
    const { imap, smtp } = world.mails;
    const [box, post] = [await lineTo(imap.port), await lineTo(smtp.port)];
    const away = {
      IMAP_URL: imap.url(world.mails.address).replace(`:${imap.port}`, `:${box.port}`),
      SMTP_URL: smtp.url(world.mails.address).replace(`:${smtp.port}`, `:${post.port}`),
    };
    const program = world.start({ environment: away });
    const code = await claimOf(program);
    await program.says(/imap\.away/);
    await box.up();
    await program.says(/mail\.connected/);
    await ana.send({ to: world.mails.address, subject: 'hello', text: `claim ${code}` });
    await program.says(/outbox\.later .*does not answer/);
    await post.up();
    // The second try is a minute after the first.
    await expect.poll(() => ana.inbox(), { timeout: 90_000 }).toHaveLength(1);
    await world.mail(ana, 'This Keepsake is yours now');
    expect(world.mails.submitted()).toHaveLength(1);
    await keepsSecrets();
  }, 120_000);

  it('a port of the pages that is taken is told, and mails go on', async () => {
    await open();
    const line = await lineTo(1);
    await line.up();
    const program = world.start({ environment: { PORT: String(line.port) } });
    const [refused = ''] = await program.says(/error web\.refused .*/);
    expect(refused).toContain(String(line.port));
    await begin(program);
    expect(world.mails.violations()).toEqual([]);
  });
});

describe('other ways in', () => {
  it('its own port takes mails; one that was taken when it died is worked at the next start, once', async () => {
    await open();
    const port = await freePort();
    const environment = { MAIL_LISTEN: String(port), IMAP_URL: '' };
    const program = world.start({ environment });
    world.mails.route(port);
    const report = await begin(program);
    const sent = await ana.reply(report, 'pause');
    await program.end('SIGKILL');
    expect(sent.refused).toBeUndefined();
    const next = world.start({ environment });
    const answer = await ana.next(({ inReplyTo }) => inReplyTo === sent.messageId);
    expect(answer.text).toMatch(/photos is paused|cut this off/);
    // Mail to anybody else is not taken.
    expect((await ana.send({ to: world.mails.address.replace('backup', 'nobody'), text: 'x' })).refused).toBeDefined();
    await ana.reply(answer, 'resume photos');
    await world.mail(ana, /Next run|is active|goes on|[Rr]esumed/);
    expect((await ana.inbox()).filter(({ inReplyTo }) => inReplyTo === sent.messageId)).toHaveLength(1);
    expect((await next.end()).code).toBe(0);
    await keepsSecrets();
  });

  it('OAuth2: signs in with tokens, takes new ones when the old are refused, and says when only a person can help', async () => {
    await open();
    const given: string[] = ['first-access-token-of-many', 'second-access-token-of-many'];
    const forms: URLSearchParams[] = [];
    const tokens = createServer(async (request, response) => {
      let body = '';
      for await (const piece of request) body += String(piece);
      forms.push(new URLSearchParams(body));
      const token = given.shift();
      response.writeHead(token === undefined ? 400 : 200, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify(token === undefined ? { error: 'invalid_grant' } : { access_token: token, expires_in: 3600 }),
      );
    });
    await new Promise<void>((resolve) => tokens.listen(0, '127.0.0.1', resolve));
    closing.push(() => new Promise((resolve) => void tokens.close(resolve).closeAllConnections()));
    world.mails.accessToken('first-access-token-of-many');
    const user = encodeURIComponent(world.mails.address);
    const environment = {
      SMTP_URL: `smtp://${user}@127.0.0.1:${world.mails.smtp.port}`,
      IMAP_URL: `imap://${user}@127.0.0.1:${world.mails.imap.port}`,
      MAIL_OAUTH: 'google',
      MAIL_OAUTH_CLIENT_ID: 'the-client',
      MAIL_OAUTH_CLIENT_SECRET: 'the-client-secret',
      MAIL_OAUTH_REFRESH_TOKEN: 'the-refresh-token-of-ana',
      KEEPSAKE_ENDPOINT_MAIL_OAUTH: `http://127.0.0.1:${(tokens.address() as AddressInfo).port}`,
    };
    const program = world.start({ environment });
    const report = await begin(program);
    expect(forms.map((form) => form.get('grant_type'))).toEqual(['refresh_token']);

    world.mails.accessToken('second-access-token-of-many');
    world.mails.imap.faults.cut();
    world.mails.smtp.faults.cut();
    await ana.reply(report, 'pause');
    await world.mail(ana, 'photos is paused');
    expect(forms).toHaveLength(2);

    world.mails.accessToken('third');
    world.mails.smtp.faults.cut();
    await world.terminal(['resume photos'], environment);
    expect(await world.terminal(['run photos'], environment)).toContain('no longer takes the sign-in for mail');
    expect((await program.end()).code).toBe(0);
    await keepsSecrets(
      ...['first-access-token-of-many', 'second-access-token-of-many', 'the-client-secret', 'the-refresh-token-of-ana'],
    );
  });

  it('somebody’s own mailbox: answers to its mails act, and nothing else of theirs is touched', async () => {
    await open();
    const { mails } = world;
    const own = mails.person(mails.address, 'Ana Lima');
    mails.imap.account(mails.address).password = PASSWORD;
    await mails.ben.send({ to: mails.address, subject: 'Lunch?', text: 'pause photos' });
    const program = world.start();
    await program.says(/mail\.connected/);
    await world.terminal([`mail ${mails.address}`]);
    const asked = await world.mail(own, 'The code that confirms your address');
    await world.terminal([`link ${/link ([2-9A-Z-]{14})/.exec(asked.text)?.[1]}`]);
    await world.terminal([backupLine()]);
    const report = await world.mail(own, 'All 2 photos are safe');
    const box = mails.imap.account(mails.address).mailbox('INBOX');
    const before = box.mails().length;
    await own.send({ to: mails.address, subject: 'pause photos', text: 'pause photos' });
    await mails.ben.send({ to: mails.address, subject: 'Lunch again?', text: 'run photos' });
    await own.reply(report, 'pause');
    await world.mail(own, 'photos is paused');
    // The answer came in the meantime; the reply itself was put aside.
    await expect.poll(() => box.mails().length).toBe(before + 3);
    const touched = box.mails().filter(({ flags }) => flags.size > 0);
    expect(touched.map(({ raw }) => /^subject:.*$/im.exec(raw.toString())?.[0])).toEqual([]);
    const others = mails.submitted().filter(({ to }) => to.some((address) => address !== mails.address));
    expect(others).toEqual([]);
    expect((await program.end()).code).toBe(0);
  });

  it('a service without tags whose own server vouches for senders', async () => {
    await open({ tags: false, authserv: 'mx.example.org' });
    const program = world.start();
    const report = await begin(program);
    expect(report.replyTo).toBe(world.mails.address);
    // Signed by nobody: the server's own word is all there is.
    await ana.reply(report, 'pause', { dkim: false, withoutThread: true });
    const paused = await world.mail(ana, 'photos is paused');
    const forged = 'Authentication-Results: mx.example.org; dmarc=pass header.from=example.org';
    await world.mails.person('eve@evil.example').reply(paused, 'resume', {
      from: { name: 'Ana', address: ana.address },
      dkim: false,
      headers: [['Authentication-Results', forged.slice(24)]],
    });
    await expect.poll(() => world.terminal(['list'])).toMatch(/paused/i);
    await program.says(/turned_away|asked to confirm|mail\./);
    expect(await world.terminal(['list'])).toMatch(/paused/i);
    expect(world.mails.violations()).toEqual([]);
    await keepsSecrets();
  });
});
