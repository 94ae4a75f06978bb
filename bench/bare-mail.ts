/**
 * The peer of bench/mail.ts: the least that answers a mail with the libraries that Keepsake uses. It says when a mail was pushed
 * and how long a send took.
 */
import { ImapFlow } from 'imapflow';
import { createTransport } from 'nodemailer';

const setting = (name: string): URL => new URL(process.env[name] ?? '');
const say = (line: string): void => void process.stdout.write(`${line}\n`);
process.on('SIGTERM', () => process.exit(0));

const [imap, smtp] = [setting('IMAP_URL'), setting('SMTP_URL')];
const from = process.env.MAIL_FROM ?? '';
const transport = createTransport({
  pool: true,
  maxConnections: 2,
  host: smtp.hostname,
  port: Number(smtp.port),
  ...(smtp.username === '' ? {} : { auth: { user: decodeURIComponent(smtp.username), pass: smtp.password } }),
});
const client = new ImapFlow({
  host: imap.hostname,
  port: Number(imap.port),
  secure: false,
  auth: { user: decodeURIComponent(imap.username), pass: imap.password },
  logger: false,
});
await client.connect();
const { exists } = await client.mailboxOpen('INBOX');
let seen = exists;
let wake = (): void => {};
client.on('exists', ({ count }) => {
  say(`exists ${Date.now()} ${count}`);
  wake();
});

async function answer(): Promise<void> {
  const mails = await client.fetchAll(`${seen + 1}:*`, { envelope: true, source: true });
  seen += mails.length;
  for (const { envelope } of mails) {
    const began = performance.now();
    await transport.sendMail({
      from,
      to: envelope?.from?.[0]?.address ?? '',
      subject: `Re: ${envelope?.subject ?? ''}`,
      text: 'Done.',
      inReplyTo: envelope?.messageId ?? '',
      references: envelope?.messageId ?? '',
      messageId: `<${Math.random().toString(36).slice(2)}.bare@example.org>`,
      headers: { 'Auto-Submitted': 'auto-replied' },
    });
    say(`sent ${(performance.now() - began).toFixed(2)}`);
  }
}

say('up');
for (;;) {
  const news = new Promise<void>((resolve) => {
    wake = resolve;
  });
  const mailbox = client.mailbox;
  if (mailbox && mailbox.exists > seen) await answer();
  else await Promise.race([news, client.idle()]);
}
