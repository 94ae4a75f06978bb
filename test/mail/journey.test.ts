/**
 * The whole way through the real program: a run ends, its report arrives by SMTP, somebody answers it, the answer is read
 * by IMAP, the command acts, and what came of it is told in the same thread.
 */
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openMailWorld, type Person, type SeenMail } from '../servers/mail.ts';
import { type Program, startProgram } from '../servers/program.ts';
import { openRealPost, type Post, realPostMissing } from './real-post.ts';

const POSTS: { name: string; missing?: string | undefined; open(): Promise<Post & { violations?(): string[] }> }[] = [
  { name: 'the mail world', open: openMailWorld },
  { name: 'OpenSMTPD and dovecot', missing: realPostMissing, open: openRealPost },
];

let folder: string;
let post: Awaited<ReturnType<(typeof POSTS)[number]['open']>>;
let program: Program;
let ana: Person;

const at = (...parts: string[]): string => join(folder, ...parts);
const start = (): Program =>
  startProgram({
    environment: {
      ...post.environment(),
      KEEPSAKE_DATA: at('data'),
      KEEPSAKE_LOCAL_ROOTS: folder,
      KEEPSAKE_ZONE: 'Europe/Berlin',
      KEEPSAKE_URL: 'https://keepsake.example.org',
      PORT: '0',
    },
  });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keepsake-journey-'));
  await mkdir(at('photos', 'trip'), { recursive: true });
  for (const name of ['a.jpg', 'b.jpg', 'trip/IMG_2041.HEIC']) await writeFile(at('photos', name), `this is ${name}`);
});
afterEach(async () => {
  await program?.end('SIGKILL');
  await post?.close();
  await rm(folder, { recursive: true, force: true });
});

const words = ({ subject, text }: SeenMail): string => `${subject} ${text}`.replace(/\s+/g, ' ');
const mail = (wanted: string | RegExp): Promise<SeenMail> =>
  ana.next((one) => (typeof wanted === 'string' ? words(one).includes(wanted) : wanted.test(words(one))));

/** Ana owns it, and has a backup "photos" that ran once. Answers its report. */
async function begin(open: () => Promise<typeof post>): Promise<SeenMail> {
  post = await open();
  ({ ana } = post);
  program = start();
  const [, code = ''] = await program.says(/claim ([0-9A-Z-]{14})/);
  await program.says(/mail\.connected/);
  await ana.send({ to: post.address, subject: 'hello', text: `claim ${code}` });
  const welcome = await mail('This Keepsake is yours now');
  await ana.reply(welcome, `backup ${at('photos')} to ${at('copy')} weekly named photos`);
  await mail('photos is set up');
  return mail('All 3 photos are safe');
}

describe.each(POSTS)('the journey of a mail, by $name', ({ name, missing, open }) => {
  const title = (text: string): string => (missing === undefined ? text : `${text} (${name}: ${missing})`);
  const told = it.skipIf(missing !== undefined);

  told(title('reports arrive, answers act, and what came of them is in the same thread'), async () => {
    const report = await begin(open);
    expect(report.subject).toBe('photos: backed up');
    expect(report.header('auto-submitted')).toBe('auto-generated');

    await writeFile(at('photos', 'new.jpg'), 'a new one');
    const said = performance.now();
    const sent = await ana.reply(report, 'Run now, please!', { style: 'outlook', language: 'de' });
    const begun = await mail('It begins now');
    const seconds = ((performance.now() - said) / 1000).toFixed(1);
    process.stdout.write(`  ${name}: ${seconds} s from the reply to the answer that it has begun\n`);
    expect(begun.inReplyTo).toBe(sent.messageId);
    expect(begun.references).toContain(report.messageId);
    expect(begun.subject.replace(/^Re: /, '')).toBe(report.subject);
    const second = await mail('The one new photo is safe');
    // Reports of one backup have a common root.
    expect(second.references.some((id) => report.references.includes(id))).toBe(true);
    expect(await readFile(at('copy', 'new.jpg'), 'utf8')).toBe('a new one');

    await rm(at('photos', 'trip', 'IMG_2041.HEIC'));
    await ana.reply(second, 'restore IMG_2041.HEIC', { style: 'html-only' });
    const shown = await mail('Restore of photos');
    await ana.press(shown, /Restore (1 file|it)/);
    await mail('1 file restored');
    expect(await readFile(at('photos', 'trip', 'IMG_2041.HEIC'), 'utf8')).toBe('this is trip/IMG_2041.HEIC');
    expect(post.violations?.() ?? []).toEqual([]);
  });

  told(title('a link of the report is a finished answer, and what cannot be taken back is asked for'), async () => {
    const report = await begin(open);
    await ana.press(report, /[Pp]ause/);
    const paused = await mail('photos is paused');
    await ana.reply(paused, 'delete photos', { style: 'apple' });
    const asked = await mail(/Delete (the backup )?photos/);
    expect(words(asked)).toContain('Answer yes or no');
    await ana.reply(asked, 'Yes.', { style: 'bottom' });
    await mail(/photos (is|was) deleted|[Dd]eleted/);
    expect((await stat(at('copy', 'a.jpg'))).isFile()).toBe(true);
  });

  told(title('the report as a PDF; and one click of the mail program ends the mails'), async () => {
    const report = await begin(open);
    await ana.reply(report, 'report pdf');
    const printed = await ana.next((one) => one.attachments.some((part) => part.mime === 'application/pdf'));
    const [pdf] = printed.attachments;
    expect(Buffer.from(pdf?.bytes.subarray(0, 5) ?? []).toString()).toBe('%PDF-');

    expect(report.unsubscribe.oneClick).toBe(true);
    const { pathname } = new URL(report.unsubscribe.https ?? '');
    const [, port] = await program.says(/web\.listening port=(\d+)/);
    const page = `http://127.0.0.1:${port}${pathname}`;
    expect((await fetch(page)).status).toBe(200);
    const body = new URLSearchParams({ 'List-Unsubscribe': 'One-Click' });
    expect((await fetch(page, { method: 'POST', body, redirect: 'error' })).status).toBe(200);
    await writeFile(at('photos', 'silent.jpg'), 'not mailed');
    await ana.reply(printed, 'run now');
    const begun = await mail('It begins now');
    await expect
      .poll(() => readFile(at('copy', 'silent.jpg'), 'utf8').catch(() => ''), { timeout: 10_000 })
      .not.toBe('');
    await ana.reply(begun, 'whoami');
    await mail('owner of this Keepsake');
    expect((await ana.inbox()).map(words).filter((text) => text.includes('The one new photo is safe'))).toEqual([]);
  });

  told(title('kill -9 between mail and answer: nothing acts twice, nothing is lost'), async () => {
    const report = await begin(open);
    await ana.reply(report, 'pause');
    await program.says(/mail|pause/);
    await program.end('SIGKILL');
    program = start();
    await program.says(/mail\.connected/);
    const answer = await mail(/photos is paused|A restart of Keepsake cut this off/);
    // The token of that report was used; the one of the answer is fresh.
    await ana.reply(answer, 'resume photos');
    await mail(/photos (is active|goes on|runs again|is resumed)|[Rr]esumed|Next/);
    const all = (await ana.inbox()).map(words);
    expect(all.filter((text) => /photos is paused|cut this off/.test(text))).toHaveLength(1);
  });
});
