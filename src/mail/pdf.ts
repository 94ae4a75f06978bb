/** A page of HTML as a PDF, by a browser of this machine. The only file that knows puppeteer. */
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createBrotliDecompress } from 'node:zlib';
import { type Browser, launch, type Page } from 'puppeteer';
import { RetryLater, Stopped, UsageError } from '../engine/errors.ts';
import type { Clock, Log } from '../engine/types.ts';

export interface Printer {
  /**
   * A4, tagged (readable by screen readers). The page runs no script and loads nothing but what is in it. Throws
   * `UsageError` (`no_browser`) where no browser can be started, `RetryLater` when the page was not done in time, `Stopped`
   * when the printer was closed before.
   */
  print(html: string): Promise<Uint8Array>;
  /** Ends what is being printed with its browser: the host that sent a signal does not wait for a page. */
  close(): Promise<void>;
}

export interface PrinterOrder {
  /** Where the browser that comes with Keepsake is unpacked, where the machine has none. */
  folder: string;
  /** Browsers that the machine may have. */
  installed?: readonly string[];
  clock: Clock;
  log: Log;
}

const INSTALLED = [
  '/usr/bin/chromium-headless-shell',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/opt/google/chrome/chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

const LONGEST = 20_000;
/** A browser holds 150 MB; nobody waits for a second report that long. */
const IDLE = 30_000;

const noBrowser = (cause?: unknown): UsageError =>
  new UsageError('No PDF can be made: this machine has no browser that can be started.', {
    code: 'no_browser',
    advice: 'Install Chromium (Debian, Ubuntu, Raspberry Pi OS: apt install chromium), and ask again.',
    cause,
  });

/**
 * Unpacked to a place of our own and under a name of its version (its packed size): the package itself takes whatever lies as `chromium` in the
 * temporary folder, of any version and by anybody.
 */
async function unpacked(folder: string): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  const build = dirname(fileURLToPath(import.meta.resolve('@sparticuz/chromium')));
  const packed = join(build, '..', 'bin', 'chromium.br');
  const binary = join(folder, `chromium-${(await stat(packed)).size}`);
  if (existsSync(binary)) return binary;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const aside = `${binary}.${process.pid}`;
  try {
    await pipeline(createReadStream(packed), createBrotliDecompress(), createWriteStream(aside, { mode: 0o700 }));
    await rename(aside, binary);
  } catch (error) {
    await unlink(aside).catch(() => undefined);
    throw error;
  }
  return binary;
}

async function open(folder: string, installed: readonly string[]): Promise<Browser> {
  let executablePath: string | undefined;
  try {
    executablePath = installed.find((path) => existsSync(path)) ?? (await unpacked(folder));
    if (executablePath === undefined) throw noBrowser();
    return await launch({
      executablePath,
      headless: true,
      // It ends with us, whatever ends us; and nobody else on this machine can talk to it, as they could by a port.
      pipe: true,
      args: [
        // The superuser (containers) has no sandbox in Chromium; what is printed is ours, and runs no script.
        ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
        '--disable-dev-shm-usage',
        '--disable-extensions',
        '--no-first-run',
        '--font-render-hinting=none',
        '--host-resolver-rules=MAP * ~NOTFOUND',
      ],
      timeout: LONGEST,
      // Puppeteer would end this process at the first Ctrl-C, in the middle of a backup.
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
    });
  } catch (error) {
    throw error instanceof UsageError ? error : noBrowser(error);
  }
}

async function printed(page: Page, html: string): Promise<Uint8Array> {
  page.setDefaultTimeout(LONGEST);
  await page.setJavaScriptEnabled(false);
  await page.setRequestInterception(true);
  page.on('request', (request) => {
    const allowed = /^(data:|about:blank$)/.test(request.url());
    void (allowed ? request.continue() : request.abort('blockedbyclient')).catch(() => undefined);
  });
  await page.setContent(html, { waitUntil: 'load' });
  return page.pdf({
    format: 'A4',
    printBackground: true,
    tagged: true,
    // Letters of a screen are large on paper: so that a usual report is one page.
    scale: 0.8,
    margin: { top: '16mm', bottom: '16mm', left: '14mm', right: '14mm' },
    timeout: LONGEST,
  });
}

/** One browser, started when it is first needed, one page at a time, closed when nobody needs it. */
export function createPrinter({ folder, installed = INSTALLED, clock, log }: PrinterOrder): Printer {
  let browser: Promise<Browser> | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let idle = new AbortController();
  let closed = false;

  async function drop(): Promise<void> {
    const running = browser;
    browser = undefined;
    await (await running?.catch(() => undefined))?.close();
  }

  function dropLater(): void {
    if (closed) return;
    idle = new AbortController();
    clock
      .sleep(IDLE, idle.signal)
      .then(drop)
      .catch((error: unknown) => {
        if (error !== idle.signal.reason) log('warn', 'pdf.close_failed', { error });
      });
  }

  async function once(html: string): Promise<Uint8Array> {
    browser ??= open(folder, installed);
    try {
      const page = await (await browser).newPage();
      try {
        return await printed(page, html);
      } finally {
        await page.close();
      }
    } catch (error) {
      await drop();
      throw error;
    }
  }

  async function print(html: string): Promise<Uint8Array> {
    if (closed) throw new Stopped('Keepsake is being stopped.');
    idle.abort(new Error('The browser is needed.'));
    try {
      return await once(html).catch((error: unknown) => {
        if (closed || error instanceof UsageError) throw error;
        // A browser that crashed is replaced once.
        log('warn', 'pdf.again', { error });
        return once(html);
      });
    } catch (cause) {
      if (closed) throw new Stopped('Keepsake is being stopped.', { cause });
      if (cause instanceof UsageError) throw cause;
      throw new RetryLater('The PDF was not done in time.', { code: 'pdf_slow', cause });
    } finally {
      dropLater();
    }
  }

  return {
    print(html) {
      const work = last.then(() => print(html));
      last = work.catch(() => undefined);
      return work;
    },
    async close() {
      closed = true;
      idle.abort(new Error('It is being closed.'));
      await drop();
      await last;
    },
  };
}
