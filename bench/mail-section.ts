/** The section "Mail" of docs/benchmarks.md. */

import type { Cost, OutCost } from './mail-take.ts';
import type { BareTimes, Talk } from './mail-talk.ts';

export interface MailFigures {
  about: string;
  talks: readonly Talk[];
  bare: readonly BareTimes[];
  taken: readonly Cost[];
  out: readonly OutCost[];
  /** Of the big run. */
  files: number;
}

const quantile = (values: readonly number[], part: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.ceil(values.length * part) - 1)] ?? Number.NaN;
const ms = (value: number): string =>
  Number.isNaN(value) ? '–' : Number.isFinite(value) ? value.toFixed(value < 10 ? 1 : 0) : 'never';
const both = (values: readonly number[]): string[] => [0.5, 0.99].map((part) => ms(quantile(values, part)));
const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');

const many = (atOnce: number): string => (atOnce === 1 ? 'one after the other' : `${atOnce} at once`);

export function mailSection({ about, talks, bare, taken, out, files }: MailFigures): string {
  const floorOf = ({ post, atOnce }: Talk): number => {
    const peer = talks.find((one) => one.post === post && one.atOnce === atOnce && one.program.startsWith('bare'));
    return quantile(peer?.waits.answers ?? [], 0.5);
  };
  const waits = table(
    ['servers', 'program', 'replies', 'done ms, p50', 'p99', 'answer in the inbox ms, p50', 'p99', 'bare took, p50'],
    talks.map((talk) => [
      talk.post,
      talk.program,
      many(talk.atOnce),
      ...both(talk.waits.actions),
      ...both(talk.waits.answers),
      talk.program.startsWith('bare') ? '1' : `${(floorOf(talk) / quantile(talk.waits.answers, 0.5)).toFixed(2)}x`,
    ]),
  );
  const peers = table(
    ['servers', 'from sending to `exists` ms, p50', 'p99', 'nodemailer send ms, p50', 'p99'],
    bare.map(({ post, pushes, sends }) => [post, ...both(pushes), ...both(sends)]),
  );
  const costs = table(
    [
      'mail of',
      'parse ms',
      'authenticate ms',
      'taken ms',
      'CPU ms',
      'mails a second, 4 at a time',
      'memory before and at most, MB',
    ],
    taken.map((cost) => [
      cost.size < 10_000 ? `${(cost.size / 1000).toFixed(1)} KB` : `${(cost.size / 1e6).toFixed(1)} MB`,
      ...[cost.parse, cost.authenticate, cost.take, cost.cpu].map(ms),
      cost.rate.toFixed(cost.rate < 10 ? 1 : 0),
      `${cost.before.toFixed(0)} → ${cost.peak.toFixed(0)}`,
    ]),
  );
  const sending = table(
    ['mail', 'size, KB', 'render ms', 'compose ms', 'a second'],
    out.map(({ name, bytes, render, compose }) => [
      name,
      (bytes / 1000).toFixed(0),
      ...[render, compose].map((value) => value.toFixed(2)),
      (1000 / (render + compose)).toFixed(0),
    ]),
  );
  return `${[
    '## Mail',
    about,
    'From the moment somebody sends a reply until what it asks for is done, and until the answer lies in their inbox:',
    waits,
    'The bare libraries alone:',
    peers,
    'What one mail costs that comes in, from its bytes to its answer in the outbox:',
    costs,
    'What one mail costs that goes out:',
    sending,
    [
      '- Replies are `status`, `list`, `pause`, `help` and `resume` in turn, signed with DKIM, each with a token of its own. "Done" is when the answer was written into the outbox, after the command.',
      '- Keepsake is `node src/main.ts` with all its roles, SQLite on the disk, IMAP with IDLE and SMTP over two kept connections. "Bare" is bench/bare-mail.ts: it takes what imapflow pushes, reads it, and has nodemailer send one word back; nothing is parsed, checked, stored, looked up or drawn. "Bare took" is its median divided by this one.',
      `- "During a run": runs of ${files} small files from folder to folder, one after the other, in the same process.`,
      '- The servers of the tests are one thread beside the people, and check every mail. OpenSMTPD queues on the disk before it delivers, and dovecot tells of a mail half a second after it came: with real servers most of the time is theirs.',
      '- Keepsake works four mails of a mailbox at a time and sends answers one after the other: of many replies at once the last one waits for all before it.',
      '- Costs of mails that come in are measured without servers; signatures are checked against a name server on the loopback. Memory is that of the process.',
    ].join('\n'),
  ].join('\n\n')}\n`;
}
