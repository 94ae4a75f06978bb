/** The IMAP door's decisions, without a server. */
import { describe, expect, test } from 'vitest';
import { AuthRequired, RetryLater } from '../../src/engine/errors.ts';
import { transport } from '../../src/mail/imap/connection.ts';
import { type Cursor, cursorId, isAbout, isOld, loadCursor, pass } from '../../src/mail/imap/cursor.ts';
import { imapFailure } from '../../src/mail/imap/failures.ts';
import { nextTry } from '../../src/mail/imap/tries.ts';
import { memoryVault } from './imap-world.ts';

const MINUTE = 60_000;

describe('what a refusal means', () => {
  const refusal = (text: string, code?: string) =>
    Object.assign(new Error('Command failed'), {
      authenticationFailed: true,
      responseText: text,
      ...(code === undefined ? {} : { serverResponseCode: code }),
    });
  const at = (host: string, oauth = false) => ({ host, user: 'eva@example.org', oauth });

  test.each([
    ['Temporary authentication failure.', 'UNAVAILABLE'],
    ['Too many simultaneous connections. (Failure)', 'ALERT'],
    ['Account exceeded command or bandwidth limits.', 'OVERQUOTA'],
    ['Rate limit hit.', 'LIMIT'],
    ['Server is in maintenance', 'INUSE'],
    ['Please try again later', undefined],
  ])('passes by itself: %s', (text, code) => {
    expect(imapFailure(refusal(text, code), at('imap.example.org'))).toBeInstanceOf(RetryLater);
  });

  test.each([
    ['imap.gmail.com', false, 'Invalid credentials (Failure)', 'AUTHENTICATIONFAILED', /app password/],
    ['imap.gmail.com', false, 'Application-specific password required: ...', 'ALERT', /app password/],
    [
      'imap.gmail.com',
      false,
      'Your account is not enabled for IMAP use. Please visit your Gmail settings page.',
      'ALERT',
      /Switch IMAP on/,
    ],
    ['outlook.office365.com', false, 'LOGIN failed.', undefined, /MAIL_OAUTH=microsoft/],
    ['outlook.office365.com', true, 'AUTHENTICATE failed.', undefined, /mail:sign-in/],
    ['mail.example.org', false, 'Authentication failed.', 'AUTHENTICATIONFAILED', /IMAP_URL/],
    // Its words speak of later, its code does not.
    ['mail.example.org', false, 'Wrong password, try again later', 'AUTHENTICATIONFAILED', /IMAP_URL/],
  ])('%s (token: %s) "%s" wants a person', (host, oauth, text, code, advice) => {
    const failure = imapFailure(refusal(text, code), at(host, oauth));
    expect(failure).toBeInstanceOf(AuthRequired);
    expect(failure.advice).toMatch(advice);
    expect(failure.message).toContain('Replies by mail are not read; backups go on.');
  });

  test('anything else passes by itself, in the words of the server made visible', () => {
    const failure = imapFailure(new Error('broken\r\npipe'), at('imap.example.org'));
    expect(failure).toBeInstanceOf(RetryLater);
    expect(failure.message).not.toMatch(/[\r\n]/);
  });
});

describe('how often a mail is tried', () => {
  const pauses = (error: Error): number[] => {
    const found: number[] = [];
    let now = 1_000_000;
    for (let failed = 1; failed < 100; failed++) {
      const due = nextTry(error, { failed, first: 1_000_000 }, now);
      if (due === undefined) return found;
      found.push(due - now);
      now = due;
    }
    throw new Error('for ever');
  };

  test('three times over minutes', () => {
    expect(pauses(new Error('no'))).toEqual([MINUTE, 4 * MINUTE]);
  });

  test('an hour for what passes by itself, never without a pause', () => {
    for (const error of [new RetryLater('later'), Object.assign(new Error('reset'), { code: 'ECONNRESET' })]) {
      const found = pauses(error);
      const sum = found.reduce((total, pause) => total + pause, 0);
      expect(found.slice(0, 3)).toEqual([10_000, 20_000, 40_000]);
      expect(Math.max(...found)).toBe(5 * MINUTE);
      expect(sum).toBeGreaterThanOrEqual(60 * MINUTE);
      expect(sum).toBeLessThan(70 * MINUTE);
    }
  });

  test('as late as was asked for', () => {
    expect(nextTry(new RetryLater('later', { after: 20 * MINUTE }), { failed: 1, first: 0 }, 0)).toBe(20 * MINUTE);
  });

  test('a long absence counts as no try', () => {
    expect(nextTry(new RetryLater('later'), { failed: 2, first: 0 }, 300 * MINUTE)).toBeDefined();
  });
});

describe('TLS', () => {
  test('is demanded everywhere but on this machine', () => {
    const tls = { minVersion: 'TLSv1.2', rejectUnauthorized: true };
    for (const host of ['imap.example.org', '127.0.0.1.example.org', '10.0.0.1', 'localhost.example.org']) {
      expect(transport({ host, secure: false })).toEqual({ doSTARTTLS: true, tls });
      expect(transport({ host, secure: true })).toEqual({ tls });
    }
    for (const host of ['localhost', '127.0.0.1', '::1']) {
      expect(transport({ host, secure: false })).toEqual({ tls: { ...tls, rejectUnauthorized: false } });
    }
  });
});

describe('the cursor', () => {
  const cursor: Cursor = {
    uidValidity: '7',
    uid: 10,
    latest: '2026-11-20T10:00:00.000Z',
    began: '2026-11-01T10:00:00.000Z',
  };

  test('has a name of its own for each folder of each mailbox', () => {
    const server = { host: 'imap.example.org', port: 993, secure: true, user: 'eva@example.org' };
    expect(cursorId({ ...server, folder: 'INBOX' })).toBe('mail/cursor/imap.example.org/eva%40example.org/INBOX');
    expect(cursorId({ ...server, folder: 'a/b' })).not.toBe(
      cursorId({ ...server, user: 'eva@example.org/a', folder: 'b' }),
    );
  });

  test('moves, and keeps the latest time whatever the order of times', () => {
    const later = pass(cursor, 11, '2026-11-21T10:00:00.000Z');
    expect(later).toMatchObject({ uid: 11, latest: '2026-11-21T10:00:00.000Z' });
    expect(pass(later, 12, '2026-11-02T10:00:00.000Z')).toMatchObject({ uid: 12, latest: later.latest });
    expect(pass(later, 13, undefined)).toMatchObject({ uid: 13, latest: later.latest });
  });

  test('forgets that the UIDs began anew once it is past them', () => {
    const renumbered = { ...cursor, renumbered: { until: 12, since: '2026-11-19T10:00:00.000Z' } };
    expect(isOld(renumbered, { uid: 11, received: '2026-11-18T10:00:00.000Z' })).toBe(true);
    expect(isOld(renumbered, { uid: 11, received: '2026-11-19T10:00:00.000Z' })).toBe(false);
    expect(isOld(renumbered, { uid: 13, received: '2026-11-18T10:00:00.000Z' })).toBe(false);
    expect(pass(renumbered, 11, undefined).renumbered).toBeDefined();
    expect(pass(renumbered, 12, undefined).renumbered).toBeUndefined();
  });

  test('does not count in a folder that was put back from an older copy', () => {
    const folder = { uidValidity: '7', uidNext: 11 } as Parameters<typeof isAbout>[1];
    expect(isAbout(cursor, folder)).toBe(true);
    expect(isAbout(cursor, { ...folder, uidNext: 9 })).toBe(false);
    expect(isAbout(cursor, { ...folder, uidValidity: '8' })).toBe(false);
  });

  test('that cannot be read counts as none, and is told', async () => {
    const vault = memoryVault();
    const told: string[] = [];
    const load = () => loadCursor(vault, 'id', (_, event) => void told.push(event));
    expect(await load()).toBeUndefined();
    expect(told).toEqual([]);
    for (const text of ['', '{', 'null', '{"uid":1}', JSON.stringify({ ...cursor, latest: 'yesterday' })]) {
      await vault.put('id', text);
      expect(await load()).toBeUndefined();
    }
    expect(told).toHaveLength(5);
    await vault.put('id', JSON.stringify(cursor));
    expect(await load()).toEqual(cursor);
  });
});
