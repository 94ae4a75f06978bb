/** The program and the terminal as processes on one data folder, beside a world of mail. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { type MailWorld, type MailWorldOptions, openMailWorld, type Person, type SeenMail } from '../servers/mail.ts';
import { type Program, startProgram } from '../servers/program.ts';

const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));
/** Of its mailbox; like no other word. */
export const PASSWORD = 'correct-horse-77';

export interface ProgramWorld {
  mails: MailWorld;
  /** A path in the folder that may be backed up. */
  at(...parts: string[]): string;
  environment(): Record<string, string>;
  /** `npm start` with these roles; all without any. Ended with the world. */
  start(o?: { roles?: readonly string[]; environment?: Readonly<Record<string, string>> }): Program;
  /** `npm run -s keepsake -- words`, with the same settings as the server. What it says. */
  terminal(words: readonly string[], environment?: Readonly<Record<string, string>>): Promise<string>;
  /** The next mail of somebody with these words in its subject or text. */
  mail(to: Person, wanted: string | RegExp): Promise<SeenMail>;
  /** All mails of somebody with these words. */
  mailsOf(to: Person, wanted: string | RegExp): Promise<SeenMail[]>;
  /** Files "photos/a.jpg" and "photos/b.jpg". */
  photos(): Promise<void>;
  /** Which of these words stand in what programs wrote, or in the database, and where. */
  leaks(secrets: readonly string[]): string[];
  /** Reply tokens, unsubscribe tokens and codes of all mails that people have. */
  secretsOf(...people: readonly Person[]): Promise<string[]>;
  close(): Promise<void>;
}

const words = ({ subject, text }: SeenMail): string => `${subject} ${text}`.replace(/\s+/g, ' ');
const holds = (mail: SeenMail, wanted: string | RegExp): boolean =>
  typeof wanted === 'string' ? words(mail).includes(wanted) : wanted.test(words(mail));

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

export async function openProgramWorld(o: MailWorldOptions = {}): Promise<ProgramWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'keepsake-program-'));
  const mails = await openMailWorld(o);
  mails.bot.password = PASSWORD;
  mails.smtp.users.set(mails.address, PASSWORD);
  const programs: Program[] = [];
  const said: string[] = [];
  const at = (...parts: string[]): string => join(folder, ...parts);
  const environment = () => ({
    ...mails.environment(),
    KEEPSAKE_DATA: at('data'),
    KEEPSAKE_LOCAL_ROOTS: folder,
    KEEPSAKE_ZONE: 'Europe/Berlin',
    LOG_LEVEL: 'debug',
    PORT: '0',
  });
  /** Every row of every table. */
  function database(): string {
    const file = at('data', 'keepsake.db');
    if (!existsSync(file)) return '';
    const open = new DatabaseSync(file, { readOnly: true });
    try {
      const tables = open.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
      const rows = tables.flatMap(({ name }) => open.prepare(`SELECT * FROM "${String(name)}"`).all());
      return rows
        .flatMap((row) => Object.values(row))
        .map((value) => (value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : String(value)))
        .join('\n');
    } finally {
      open.close();
    }
  }
  return {
    mails,
    at,
    environment,
    start({ roles = [], environment: more = {} } = {}) {
      const program = startProgram({ roles, environment: { ...environment(), ...more } });
      programs.push(program);
      return program;
    },
    terminal: (line, more = {}) =>
      new Promise((resolve) => {
        const env = { PATH: process.env.PATH, HOME: folder, ...environment(), ...more };
        execFile(process.execPath, [CLI, ...line], { cwd: folder, env }, (_error, out, err) => {
          said.push(err);
          resolve(`${out}${err}`);
        }).stdin?.end();
      }),
    mail: (to, wanted) => to.next((one) => holds(one, wanted)),
    mailsOf: async (to, wanted) => (await to.inbox()).filter((one) => holds(one, wanted)),
    async photos() {
      await mkdir(at('photos'), { recursive: true });
      for (const name of ['a.jpg', 'b.jpg']) await writeFile(at('photos', name), `this is ${name}`);
    },
    leaks(secrets) {
      const written = [...programs.map((program) => program.said()), ...said].join('\n');
      const stored = database();
      return secrets.flatMap((secret) => [
        ...(written.includes(secret) ? [`${secret} is in the log`] : []),
        ...(stored.includes(secret) ? [`${secret} is in the database`] : []),
      ]);
    },
    async secretsOf(...people) {
      const found = new Set<string>();
      for (const person of people) {
        for (const one of await person.inbox()) {
          const { mailto = '' } = one.unsubscribe;
          for (const [, token] of `${one.text} ${mailto}`.matchAll(/(?:\[#|\+[ru]\.)([a-z2-7]{26})/g))
            found.add(token ?? '');
          for (const [code] of one.text.matchAll(/\b[2-9A-Z]{4}-[2-9A-Z]{4}-[2-9A-Z]{4}\b/g)) found.add(code);
        }
      }
      return [...found];
    },
    async close() {
      for (const program of programs) await program.end('SIGKILL');
      await mails.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
