/** A real browser prints; what is in the PDF is looked at from outside. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/engine/clock.ts';
import { createPrinter, type Printer } from '../../src/mail/pdf.ts';

let folder: string;
let printer: Printer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keepsake-pdf-'));
  printer = createPrinter({ folder, clock: systemClock, log: () => undefined });
});
afterAll(async () => {
  await printer.close();
  await rm(folder, { recursive: true, force: true });
});

const page = (body: string): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>photos</title></head><body>${body}</body></html>`;

/** All streams of a PDF, inflated where they are packed. */
function streamsOf(pdf: Uint8Array): string {
  const raw = Buffer.from(pdf);
  const parts: string[] = [];
  for (let at = raw.indexOf('stream\n'); at >= 0; at = raw.indexOf('stream\n', at + 7)) {
    const end = raw.indexOf('endstream', at);
    const bytes = raw.subarray(at + 7, end);
    try {
      parts.push(inflateSync(bytes).toString('latin1'));
    } catch {
      parts.push(bytes.toString('latin1'));
    }
  }
  return parts.join('\n');
}

async function processes(): Promise<{ pid: number; parent: number; args: string }[]> {
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'pid=,ppid=,stat=,args=']);
  return stdout.split('\n').flatMap((line) => {
    const [, pid, parent, stat, args = ''] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    // What has ended and was not fetched by its parent yet is gone.
    return pid === undefined || stat?.startsWith('Z') ? [] : [{ pid: Number(pid), parent: Number(parent), args }];
  });
}

describe('the printer', () => {
  it('makes a tagged A4 PDF with a title', async () => {
    const pdf = Buffer.from(await printer.print(page('<h1>All 214 new photos are safe</h1>')));
    expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
    const all = `${pdf.toString('latin1')}\n${streamsOf(pdf)}`;
    expect(all).toContain('/StructTreeRoot');
    expect(all).toMatch(/\/MediaBox\s*\[0 0 59[45][.\d]* 84[12][.\d]*\]/);
    expect(all).toMatch(/\/Lang/);
  });

  it('asks nobody: no server, no file, no script', async () => {
    let asked = 0;
    const server = createServer((_, response) => {
      asked++;
      response.end('x');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await writeFile(join(folder, 'secret.txt'), 'the secret of the machine');
    const base = `http://127.0.0.1:${port}`;
    const pdf = await printer.print(
      page(`<img src="${base}/a.png"><iframe src="file://${folder}/secret.txt"></iframe><link rel="stylesheet" href="${base}/b.css">
        <script>fetch('${base}/c')</script><p>still here</p>`),
    );
    expect(asked).toBe(0);
    expect(streamsOf(pdf)).toMatch(/T[jJ]/);
    await new Promise((resolve) => server.close(resolve));
  });

  it('prints several asked for at once, one after the other', async () => {
    const pdfs = await Promise.all(['one', 'two', 'three'].map((word) => printer.print(page(`<p>${word}</p>`))));
    for (const pdf of pdfs) expect(Buffer.from(pdf.subarray(0, 5)).toString()).toBe('%PDF-');
  });

  it.runIf(process.platform === 'linux' && process.arch === 'x64')(
    'uses the browser it brings where the machine has none, unpacked once',
    async () => {
      const own = createPrinter({ folder, installed: [], clock: systemClock, log: () => undefined });
      const pdf = await own.print(page('<p>carried along</p>'));
      await own.close();
      expect(Buffer.from(pdf.subarray(0, 5)).toString()).toBe('%PDF-');
      expect((await readdir(folder)).filter((name) => name.startsWith('chromium-'))).toHaveLength(1);
    },
  );

  it('says what to install where there is none at all', async () => {
    const without = createPrinter({
      folder: join(folder, 'secret.txt'),
      installed: [],
      clock: systemClock,
      log: () => undefined,
    });
    await expect(without.print(page('<p></p>'))).rejects.toMatchObject({ code: 'no_browser' });
    await without.close();
  });

  it('lets the process decide what a signal means', async () => {
    const count = (): number[] => (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((name) => process.listenerCount(name));
    const before = count();
    await printer.print(page('<p>still there</p>'));
    expect(count()).toEqual(before);
  });

  it('ends what is being printed when it is closed, and what waits behind it', async () => {
    const other = createPrinter({ folder, clock: systemClock, log: () => undefined });
    await other.print(page('<p>the browser is up</p>'));
    const long = page('<table><tr><td>long</td></tr></table>'.repeat(100_000));
    const printing = [long, long].map((html) => other.print(html));
    const ended = Promise.allSettled(printing);
    await new Promise((resolve) => setImmediate(resolve));
    await other.close();
    for (const one of await ended) expect(one).toMatchObject({ status: 'rejected', reason: { code: 'stopped' } });
    await expect(other.print(page('<p></p>'))).rejects.toMatchObject({ code: 'stopped' });
  });

  it('leaves no browser behind when this program is killed', async () => {
    const order = JSON.stringify({ folder });
    const program = `
      import { createPrinter } from ${JSON.stringify(new URL('../../src/mail/pdf.ts', import.meta.url).href)};
      import { systemClock } from ${JSON.stringify(new URL('../../src/engine/clock.ts', import.meta.url).href)};
      await createPrinter({ ...${order}, clock: systemClock, log: () => undefined }).print('<p>printed</p>');
      console.log('printed');
      process.stdin.resume();`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const browsers = (await processes()).filter(({ parent, args }) => parent === child.pid && /chrom/.test(args));
    expect(browsers.length).toBeGreaterThan(0);
    child.kill('SIGKILL');
    await expect
      .poll(async () => (await processes()).filter(({ pid }) => browsers.some((one) => one.pid === pid)), {
        timeout: 10_000,
      })
      .toEqual([]);
  });

  it('leaves no browser behind', async () => {
    const other = createPrinter({ folder, clock: systemClock, log: () => undefined });
    await other.print(page('<p>gone soon</p>'));
    await printer.close();
    await other.close();
    const ours = (await processes()).filter(({ parent, args }) => parent === process.pid && /chrom/.test(args));
    expect(ours).toEqual([]);
  });
});
