/** The prompt: completion, history without secrets, secrets without echo, Ctrl-C once and twice. */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type PromptOptions, runPrompt, secretAsker } from '../../src/bots/console.ts';
import { quoted } from '../../src/bots/console-arguments.ts';
import { complete } from '../../src/engine/commands/completion.ts';

const words = {
  commands: ['list', 'run', 'restore', 'help'],
  plans: ['photos', 'Family album'],
  accounts: ['nas', 'work-s3'],
  kinds: ['local', 'webdav', 's3'],
};

describe('completion', () => {
  it.each([
    ['', ['list ', 'run ', 'restore ', 'help ', 'nas ', 'work-s3 ', 'local ', 'webdav ', 's3 ']],
    ['r', ['run ', 'restore ']],
    ['/r', ['/run ', '/restore ']],
    ['RUN p', ['photos ']],
    ['run "fam', ['"Family album" ']],
    ['run fam', ['"Family album" ']],
    ['~/Pictures to n', ['nas ']],
    ['backup ', ['nas ', 'work-s3 ', 'local ', 'webdav ', 's3 ']],
    ['a to b and w', ['work-s3 ', 'webdav ']],
    ['connect w', ['webdav ']],
    ['disconnect ', ['nas ', 'work-s3 ']],
    ['help l', ['list ']],
    ['a to b wee', ['weekly ']],
    ['a to b only p', ['photos ']],
    ['run zzz', []],
  ])('"%s"', (line, hits) => {
    expect(complete(line, words)[0]).toEqual(hits);
  });

  it('quotes what has spaces, as the grammar reads it', () => {
    expect(quoted('Family album')).toBe('"Family album"');
    expect(quoted('photos')).toBe('photos');
  });
});

/** A terminal made of two streams: what is typed in, what is shown. */
function fakeTerminal(isTTY: boolean) {
  const input = Object.assign(new PassThrough(), { isTTY });
  const output = Object.assign(new PassThrough(), { isTTY, columns: 80 });
  let shown = '';
  output.on('data', (chunk: Buffer) => {
    shown += chunk.toString();
  });
  return { terminal: { input, output }, type: (text: string) => input.write(text), shown: () => shown, input };
}

describe('secrets', () => {
  it('are asked for without echo', async () => {
    const { terminal, type, shown } = fakeTerminal(true);
    const answer = secretAsker(terminal)('Password', 'An app password.');
    type('hunter2-secret\r');
    expect(await answer).toBe('hunter2-secret');
    expect(shown()).toContain('An app password.');
    expect(shown()).toContain('Password (not shown): ');
    expect(shown()).not.toContain('hunter2');
  });

  it('come from a pipe line by line', async () => {
    const { terminal, input } = fakeTerminal(false);
    const askSecret = secretAsker(terminal);
    input.end('first\nsecond\n');
    expect(await askSecret('Key')).toBe('first');
    expect(await askSecret('Secret')).toBe('second');
    await expect(askSecret('Third')).rejects.toThrow('Nothing was typed for "Third"');
  });

  it.each([true, false])('a private key is one secret with all its lines (terminal: %s)', async (isTTY) => {
    const { terminal, type, shown } = fakeTerminal(isTTY);
    const askSecret = secretAsker(terminal);
    const enter = isTTY ? '\r' : '\n';
    const lines = [
      '-----BEGIN OPENSSH PRIVATE KEY-----',
      'b3BlbnNzaC1r',
      'ZXktdjEAAAAA',
      '-----END OPENSSH PRIVATE KEY-----',
    ];
    const key = askSecret('Private key');
    type(lines.map((line) => line + enter).join('') + (isTTY ? '' : `passphrase${enter}`));
    expect(await key).toBe(`${lines.join('\n')}\n`);
    const passphrase = askSecret('Passphrase');
    if (isTTY) type(`passphrase${enter}`);
    expect(await passphrase).toBe('passphrase');
    expect(shown()).not.toMatch(/b3Blb|passphrase/);
  });

  it('Enter leaves one out, Ctrl-C and the end of the input are told', async () => {
    const { terminal, type } = fakeTerminal(true);
    const askSecret = secretAsker(terminal);
    const empty = askSecret('Token');
    type('\r');
    expect(await empty).toBe('');
    const interrupted = askSecret('Password');
    type('half\u0003');
    await expect(interrupted).rejects.toThrow('Nothing was typed');
  });
});

describe('the prompt', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keepsake-prompt-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  function start(changes: Partial<PromptOptions> = {}) {
    const fake = fakeTerminal(true);
    const worked: string[] = [];
    let interrupt: (() => void) | undefined;
    const historyFile = join(folder, 'history');
    const code = runPrompt({
      terminal: fake.terminal,
      historyFile,
      complete: async (line) => complete(line, words),
      mayRemember: (line) => !line.includes('password='),
      work: async (line) => {
        worked.push(line);
      },
      greeting: 'Keepsake.',
      onInterrupt: (callback) => {
        interrupt = callback;
        return () => {
          interrupt = undefined;
        };
      },
      ...changes,
    });
    return { ...fake, worked, historyFile, code, interrupt: () => interrupt?.() };
  }

  const until = async (check: () => boolean): Promise<void> => {
    while (!check()) await new Promise((resolve) => setImmediate(resolve));
  };

  it('works lines, also pasted ones, and leaves at the end of the input', async () => {
    const { type, worked, code, input, shown } = start();
    type('list\r');
    await until(() => worked.length === 1);
    type('run photos\rhelp\r');
    await until(() => worked.length === 3);
    input.end();
    expect(await code).toBe(0);
    expect(worked).toEqual(['list', 'run photos', 'help']);
    expect(shown()).toContain('Keepsake.');
  });

  it('remembers lines for their owner only, none with a secret, and offers them again', async () => {
    const { type, worked, code, historyFile } = start();
    type('list\rconnect webdav password=abc\r');
    await until(() => worked.length === 2);
    type('\u001b[A\r');
    await until(() => worked.length === 3);
    type('exit\r');
    await code;
    expect(worked[2]).toBe('list');
    expect(await readFile(historyFile, 'utf8')).toBe('list\n');
    expect((await stat(historyFile)).mode & 0o777).toBe(0o600);
  });

  it('tightens a history file that others could read', async () => {
    const historyFile = join(folder, 'history');
    await writeFile(historyFile, 'old\n', { mode: 0o644 });
    const { type, code, worked } = start();
    type('list\r');
    await until(() => worked.length === 1);
    type('exit\r');
    await code;
    expect(await readFile(historyFile, 'utf8')).toBe('old\nlist\n');
    expect((await stat(historyFile)).mode & 0o777).toBe(0o600);
  });

  it('completes by tab', async () => {
    const { type, worked, code, shown } = start();
    type('run pho\t');
    await until(() => shown().includes('photos '));
    type('\r');
    await until(() => worked.length === 1);
    type('exit\r');
    await code;
    expect(worked[0]).toBe('run photos');
  });

  it('Ctrl-C throws a typed line away, and leaves on an empty one', async () => {
    const { type, worked, code, shown } = start();
    const prompts = (): number => shown().split('keepsake> ').length - 1;
    await until(() => prompts() >= 1);
    type('delete photos\u0003');
    await until(() => prompts() >= 2);
    type('\u0003');
    expect(await code).toBe(0);
    expect(worked).toEqual([]);
  });

  it('Ctrl-C while a line is worked stops that line; the prompt stays', async () => {
    const seen: string[] = [];
    const { type, code, interrupt } = start({
      work: (line, signal) =>
        new Promise((resolve) => {
          seen.push(line);
          if (line === 'help') resolve();
          signal.addEventListener('abort', () => resolve());
        }),
    });
    type('run photos\r');
    await until(() => seen.length === 1);
    interrupt();
    await new Promise((resolve) => setImmediate(resolve));
    type('help\r');
    await until(() => seen.length === 2);
    type('exit\r');
    expect(await code).toBe(0);
  });

  it('a second Ctrl-C leaves although the line is not done', async () => {
    const seen: string[] = [];
    const { type, code, interrupt } = start({
      work: (line) => {
        seen.push(line);
        return new Promise(() => undefined);
      },
    });
    type('run photos\r');
    await until(() => seen.length === 1);
    interrupt();
    interrupt();
    expect(await code).toBe(130);
  });
});
