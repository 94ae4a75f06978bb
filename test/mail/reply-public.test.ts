/** Replies that people wrote to others, as public test suites keep them. What each says first was written down by reading it. */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { closeParser, parseMail } from '../../src/mail/parse.ts';
import { replyLine } from '../../src/mail/reply.ts';

const FOLDER = new URL('../fixtures/replies/email_reply_parser/', import.meta.url);

/** Undefined: nothing that could be a command, because it is a paragraph or because nothing is said. */
const SAID: Record<string, string | undefined> = {
  'broken_reply_header.txt': 'This is the latest reply.',
  'email_1_4.txt': "Awesome! I haven't had another problem with it.",
  'email_1_9_quoted.txt': 'Do you agree?',
  'email_2_2.txt': 'Outlook with a reply directly above line',
  'email_from_address_in_quote_header.txt': undefined,
  'email_from_name_in_quote_header.txt': undefined,
  'email_multiline_quote_header_from_first.txt': undefined,
  'email_multiline_quote_header_from_replyto_date_to_subject.txt': undefined,
  'email_multiline_quote_header_pt_br.txt': undefined,
  'email_multiple_replies.txt': 'TAKE 3 - testing once again',
  'email_sent_from_inbox.txt': 'This is a test reply from Inbox.',
  'email_was_showing_as_nothing_visible.txt': undefined,
  'gmail_danish.txt': 'This is text from gmail set up with danish locale',
  'greedy_on.txt': 'On your remote host you can run:',
  'only_sig.txt': undefined,
  'outlook_email_with_team_mention.txt': 'Outlook email reply with a team mention in the email body.',
  'quote_reply_french_multiline.txt': 'This is a reply with French quote multiline',
  'quote_reply_german_multiline.txt': 'This is a reply with German quote multiline',
  'quote_reply_italian_multiline.txt': 'This is a reply with Italian quote multiline',
  'quote_reply_spanish_multiline.txt': 'This is a reply with Spanish quote multiline',
};

const names = readdirSync(FOLDER).filter((name) => name.endsWith('.txt'));

async function textOf(name: string): Promise<string> {
  const body = readFileSync(new URL(name, FOLDER));
  const encoding = name.includes('_multiline.txt') ? 'quoted-printable' : '8bit';
  const head = `From: ada@example.org\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`;
  const { text = '' } = await parseMail(
    { bytes: Buffer.concat([Buffer.from(head), body]), received: '2026-10-20T08:00:00.000Z' },
    { signal: new AbortController().signal },
  );
  return text;
}

afterAll(closeParser);

describe(`${names.length} public replies`, () => {
  it('each has its meaning written down', () => {
    expect(names.sort()).toEqual(Object.keys(SAID).sort());
  });

  it.each(names)('%s', async (name) => {
    expect(replyLine({ text: await textOf(name) })).toBe(SAID[name]);
  });

  it.each(names)('%s, with nothing said above its quotation', async (name) => {
    const text = await textOf(name);
    const lines = text.split('\n');
    const from = lines.findIndex((line) =>
      /^(?:>|On .*(?:wrote:|<$|Example$)|From: |Date: |De: |_{9}|15\. marts|Am Mo|Le mer|El mi|Il giorno|2017-12|--$)/.test(
        line,
      ),
    );
    // What people wrote below is theirs; everything else is not.
    const line = replyLine({ text: lines.slice(Math.max(from, 0)).join('\n') });
    expect([undefined, 'Do you agree?']).toContain(line);
  });
});
