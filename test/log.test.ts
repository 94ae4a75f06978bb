import { describe, expect, it } from 'vitest';
import { systemClock } from '../src/engine/clock.ts';
import { AuthRequired, Stopped } from '../src/engine/errors.ts';
import { createLog, isSecretName, redact } from '../src/engine/log.ts';

const clock = { now: () => new Date('2026-11-22T03:00:00.000Z') };

function logged(
  level: 'debug' | 'info' | 'warn' | 'error',
  event: string,
  details?: Record<string, unknown>,
  secrets: string[] = [],
) {
  const lines: string[] = [];
  createLog({ level: 'info', write: (line) => lines.push(line), clock, secrets })(level, event, details);
  return lines.join('\n');
}

describe('the log', () => {
  it('is one line per event, whatever the details hold', () => {
    expect(
      logged('info', 'run.done', { plan: 'Photos to usb', files: 12, ok: true, empty: '', nothing: undefined }),
    ).toBe('2026-11-22T03:00:00.000Z info run.done plan="Photos to usb" files=12 ok=true empty=""');
    const line = logged('error', 'x', {
      error: new Error('one\ntwo', { cause: new AuthRequired('three') }),
      name: 'a\u001b[31m\nb',
    });
    expect(line.match(/\p{Cc}/u)).toBeNull();
    expect(line).toContain('caused by');
    expect(line).toContain('three');
    expect(logged('debug', 'x')).toBe('');
  });

  it('hides values by their name, at any depth', () => {
    const line = logged('info', 'x', {
      password: 'p1-secret',
      accessToken: 't1-secret',
      headers: { Authorization: 'Basic s1-secret', 'set-cookie': ['c1-secret'], accept: 'text/html' },
      apiKey2: 'k1-secret',
      keyboard: 'qwertz',
      author: 'Ana',
    });
    expect(line).not.toContain('secret');
    expect(line).toContain('qwertz');
    expect(line).toContain('author=Ana');
    expect(line).toContain('text/html');
  });

  it('hides known secrets wherever they stand, as they are, in a URL and in base64', () => {
    const secret = 'correct horse/42';
    const secrets = [secret, 'abc'];
    const basic = Buffer.from(secret).toString('base64');
    const line = logged(
      'warn',
      'x',
      { message: `tried ${secret} and ${encodeURIComponent(secret)} and ${basic}; abc stays` },
      secrets,
    );
    expect(line).toContain('tried [hidden] and [hidden] and [hidden]; abc stays');
  });

  it('takes queries and passwords out of URLs, and secret pairs and bearer tokens out of text', () => {
    expect(redact('GET https://ana:pw@host.example/a/b?sig=abc&x=1#frag failed')).toBe(
      'GET https://host.example/a/b failed',
    );
    expect(redact('see "https://host.example/?code=1".')).toBe('see "https://host.example/".');
    expect(redact('connect webdav url=https://h/a password="a b" user=ana')).toBe(
      'connect webdav url=https://h/a password=[hidden] user=ana',
    );
    expect(redact('Authorization: Bearer abcdefghijkl')).toBe('Authorization: Bearer [hidden]');
  });

  it('knows secret names by whole words', () => {
    expect(['password', 'client_secret', 'refreshToken', 'X-Api-Key', 'key'].every(isSecretName)).toBe(true);
    expect(['monkey', 'passage', 'tokenize', 'author', 'path'].some(isSecretName)).toBe(false);
  });
});

describe('the clock', () => {
  it('a sleep ends with the reason of its signal, at once when it is already aborted', async () => {
    const stop = new AbortController();
    const sleeping = systemClock.sleep(3_600_000_000, stop.signal);
    stop.abort(new Stopped('enough'));
    await expect(sleeping).rejects.toThrow('enough');
    await expect(systemClock.sleep(1, stop.signal)).rejects.toThrow('enough');
    await systemClock.sleep(1);
  });
});
