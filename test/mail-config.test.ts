import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compose } from '../src/compose.ts';
import { readConfig } from '../src/engine/config.ts';

const settings = (env: Record<string, string>) => readConfig(env, { data: '/nowhere' }).mail;

describe('the settings of mail', () => {
  it('are none without a server', () => {
    expect(settings({ MAIL_FROM: 'backup@example.org' })).toBeUndefined();
  });

  it('name servers by URLs', () => {
    expect(
      settings({
        SMTP_URL: 'smtps://backup%40example.org:p%23w@smtp.example.org',
        IMAP_URL: 'imap://ann:p%25w@[::1]:1143/Back%20ups',
      }),
    ).toEqual({
      from: 'backup@example.org',
      smtp: { host: 'smtp.example.org', port: 465, secure: true, user: 'backup@example.org', password: 'p#w' },
      imap: { host: '::1', port: 1143, secure: false, user: 'ann', password: 'p%w', folder: 'Back ups' },
      tags: true,
    });
  });

  it('sign in to the mailbox with our address where the URL names nobody', () => {
    const oauth = { MAIL_OAUTH: 'microsoft', MAIL_OAUTH_CLIENT_ID: 'client', MAIL_OAUTH_REFRESH_TOKEN: 'refresh' };
    const IMAP_URL = 'imaps://outlook.office365.com';
    expect(settings({ IMAP_URL, MAIL_FROM: 'Backup@Outlook.com', ...oauth })?.imap).toEqual({
      host: 'outlook.office365.com',
      port: 993,
      secure: true,
      user: 'backup@outlook.com',
      folder: 'INBOX',
    });
  });

  it.each([
    'smtp.example.org',
    'https://smtp.example.org',
    'smtps://ann:100%zz@smtp.example.org',
    'smtps://ann:p#w@smtp.example.org',
    'smtps://ann:12#3@smtp.example.org',
    'smtps://ann:12?3@smtp.example.org',
    'smtps://ann:12/3@smtp.example.org',
  ])('say what is wrong with %s, and never the password', (SMTP_URL) => {
    let error: unknown;
    try {
      settings({ SMTP_URL, MAIL_FROM: 'backup@example.org' });
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: 'bad_config', message: expect.stringContaining('SMTP_URL') });
    expect(String(error)).not.toMatch(/100|12|p#w/);
  });

  it.each([
    [{ SMTP_URL: 'smtps://ann:secret@smtp.example.org' }, 'MAIL_FROM'],
    [{ MAIL_LISTEN: '25' }, 'MAIL_FROM'],
    [{ IMAP_URL: 'imaps://a%40b.org@imap.b.org' }, 'IMAP_URL is set, but its password is missing'],
    [{ SMTP_URL: 'smtps://a%40b.org@smtp.b.org', MAIL_OAUTH: 'microsoft' }, 'MAIL_OAUTH_CLIENT_ID'],
    [{ MAIL_LISTEN: '25', MAIL_FROM: 'a@b.org', MAIL_TLS_CERT: '/x.pem' }, 'MAIL_TLS_KEY'],
    [{ SMTP_URL: 'smtps://a%40b.org:x@smtp.b.org', MAIL_DKIM_KEY: '/x.pem' }, 'MAIL_DKIM_SELECTOR'],
  ])('say what is missing: %o', (env, missing) => {
    expect(() => settings(env as Record<string, string>)).toThrow(missing);
  });
});

it('no log holds a password of mail, whoever quotes it', async () => {
  const data = await mkdtemp(join(tmpdir(), 'keepsake-mail-config-'));
  const secrets = { smtp: 'the-smtp-password', imap: 'the-imap-password', refresh: 'the-refresh-token' };
  const lines: string[] = [];
  const composed = await compose(
    readConfig(
      {
        SMTP_URL: `smtps://a%40b.org:${secrets.smtp}@smtp.b.org`,
        IMAP_URL: `imaps://a%40b.org:${secrets.imap}@imap.b.org`,
        MAIL_OAUTH: 'microsoft',
        MAIL_OAUTH_CLIENT_ID: 'client',
        MAIL_OAUTH_REFRESH_TOKEN: secrets.refresh,
      },
      { data },
    ),
    { writeLog: (line) => void lines.push(line) },
  );
  try {
    for (const secret of Object.values(secrets)) {
      composed.services.log('warn', 'server', { error: new Error(`you said ${secret}`) });
    }
  } finally {
    await composed.close();
    await rm(data, { recursive: true });
  }
  expect(lines.filter((line) => line.includes('[hidden]'))).toHaveLength(3);
  expect(lines.join('\n')).not.toMatch(/the-(smtp|imap|refresh)/);
});
