/**
 * `npm run bench:replies -- [--replies N] [--files N] [--write]`: how long it takes from a reply to its answer in the inbox, one
 * after the other and many at once, idle and while a big run works; beside the bare libraries on the same servers.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ImapFlow } from 'imapflow';
import { createTransport } from 'nodemailer';
import { openRealPost, type Post, realPostMissing } from '../test/mail/real-post.ts';
import type { SeenMail } from '../test/servers/mail/seen.ts';
import { openMailWorld } from '../test/servers/mail.ts';
import { type Program, startProgram } from '../test/servers/program.ts';
import { makeSmall } from './workload.ts';

const { values } = parseArgs({
  options: {
    replies: { type: 'string', default: '8' },
    files: { type: 'string', default: '10000' },
    write: { type: 'boolean', default: false },
  },
});
/** A person gets at most 30 answers an hour. */
const replies = Math.min(9, Number(values.replies));
const files = Number(values.files);

const PAGE = fileURLToPath(new URL('../docs/benchmarks.md', import.meta.url));
const BEGIN = '<!-- replies -->';
const END = '<!-- /replies -->';

const home = await mkdtemp(join(tmpdir(), 'keepsake-replies-'));
const say = (text: string): void => void process.stderr.write(`${text}\n`);
const words = ({ subject, text }: SeenMail): string => `${subject} ${text}`.replace(/\s+/g, ' ');

interface Row {
  post: string;
  program: string;
  ms: number[];
}

function at(share: number, ms: readonly number[]): number {
  const sorted = [...ms].sort((a, b) => a - b);
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN);
}

const start = (post: Post, name: string): Program =>
  startProgram({
    environment: {
      ...post.environment(),
      KEEPSAKE_DATA: join(home, name, 'data'),
      KEEPSAKE_LOCAL_ROOTS: join(home, name),
      KEEPSAKE_ZONE: 'UTC',
      PORT: '0',
    },
  });

/** Each answer carries a token of its own, so a conversation goes on with what came last. */
async function oneAfterTheOther({ ana }: Post, first: SeenMail): Promise<{ ms: number[]; last: SeenMail }> {
  const ms: number[] = [];
  let last = first;
  for (let n = 0; n < replies; n++) {
    const began = performance.now();
    const sent = await ana.reply(last, 'list');
    last = await ana.next((mail) => mail.inReplyTo === sent.messageId);
    ms.push(performance.now() - began);
  }
  return { ms, last };
}

async function atOnce({ ana }: Post, mail: SeenMail): Promise<number[]> {
  return Promise.all(
    Array.from({ length: replies }, async () => {
      const began = performance.now();
      const sent = await ana.reply(mail, 'list');
      await ana.next((one) => one.inReplyTo === sent.messageId);
      return performance.now() - began;
    }),
  );
}

/** What the libraries alone need on the same servers: a mail is sent, and told by IDLE to who watches the mailbox. */
async function bare(post: Post): Promise<number[]> {
  const { SMTP_URL = '', IMAP_URL = '' } = post.environment();
  const imap = new URL(IMAP_URL);
  const flow = new ImapFlow({
    host: imap.hostname,
    port: Number(imap.port),
    secure: false,
    auth: { user: decodeURIComponent(imap.username), pass: decodeURIComponent(imap.password) },
    logger: false,
  });
  await flow.connect();
  await flow.mailboxOpen('INBOX');
  const transport = createTransport({ url: SMTP_URL, pool: true, tls: { rejectUnauthorized: false } });
  const ms: number[] = [];
  for (let n = 0; n < replies; n++) {
    const came = new Promise<void>((resolve) => flow.once('exists', () => resolve()));
    void flow.idle();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const began = performance.now();
    const mail = { from: post.address, to: post.address, subject: `${n}`, text: 'x' };
    await transport.sendMail({ ...mail, headers: { 'Auto-Submitted': 'auto-generated' } });
    await came;
    ms.push(performance.now() - began);
  }
  transport.close();
  await flow.logout();
  return ms;
}

async function rowsOf(name: string, folder: string, open: () => Promise<Post>): Promise<Row[]> {
  const post = await open();
  const rows: Row[] = [];
  const row = (program: string, ms: number[]): void => {
    rows.push({ post: name, program, ms });
    say(`${name}, ${program}: median ${at(0.5, ms)} ms, longest ${at(1, ms)} ms`);
  };
  let program: Program | undefined;
  try {
    row('imapflow and nodemailer alone: sent, and told by IDLE', await bare(post));
    makeSmall(join(home, folder, 'photos'), 20);
    makeSmall(join(home, folder, 'big'), files);
    program = start(post, folder);
    const [, code = ''] = await program.says(/claim ([0-9A-Z-]{14})/);
    await program.says(/mail\.connected/);
    const { ana } = post;
    await ana.send({ to: post.address, subject: 'hello', text: `claim ${code}` });
    const welcome = await ana.next((mail) => words(mail).includes('is yours now'));
    const talk = await oneAfterTheOther(post, welcome);
    row('Keepsake, one after the other', talk.ms);
    row(`Keepsake, ${replies} at once`, await atOnce(post, talk.last));
    const line = `backup ${join(home, folder, 'big')} to ${join(home, folder, 'copy')} manually named big limit 20MB/s`;
    await ana.reply(talk.last, line);
    const busy = await ana.next((mail) => words(mail).includes('big is set up'));
    row('Keepsake, one after the other, during a run', (await oneAfterTheOther(post, busy)).ms);
  } finally {
    await program?.end();
    await post.close();
  }
  return rows;
}

const rows = [
  ...(await rowsOf('the mail world of the tests', 'world', openMailWorld)),
  ...(realPostMissing === undefined ? await rowsOf('OpenSMTPD and dovecot', 'real', openRealPost) : []),
];
await rm(home, { recursive: true, force: true });
if (realPostMissing !== undefined) say(`Left out: ${realPostMissing}`);

const about = `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), Node ${process.versions.node}; ${replies} replies each.`;
const section = `${BEGIN}
## Replies by mail

Made by \`npm run bench:replies -- --write\` on ${new Date().toISOString().slice(0, 10)}: ${about}

| servers | program | ms, median | longest |
|---|---|---|---|
${rows.map(({ post, program, ms }) => `| ${post} | ${program} | ${at(0.5, ms)} | ${at(1, ms)} |`).join('\n')}

- From the moment a person sends a reply (\`list\`, with the quotation of what it answers, signed with DKIM) until the answer lies in their inbox: SMTP in,
  IDLE, download, MIME in a worker, DKIM and DMARC with a name server, command, outbox, rendering, SMTP out. Keepsake is \`node src/main.ts\` with all its roles.
- The first line of each is the floor: one mail sent by nodemailer and told by imapflow, with nothing done in between. A reply takes that way twice.
- "During a run": ${files} small files from folder to folder in the same process, at most 20 MB/s.
${END}`;
process.stdout.write(`${section}\n`);
if (values.write) {
  const page = await readFile(PAGE, 'utf8');
  const old = page.indexOf(BEGIN);
  const rest =
    old < 0 ? page.trimEnd() : `${page.slice(0, old)}${page.slice(page.indexOf(END) + END.length)}`.trimEnd();
  await writeFile(PAGE, `${rest}\n\n${section}\n`);
}
