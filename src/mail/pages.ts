/**
 * The two pages that mails link to: one ends the mails (RFC 8058), one answers a question by a click. Opening a page never
 * acts: mail programs and virus scanners open every link.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MailServices, Page, ReplyToken } from '../engine/services.ts';
import type { Person, Reply } from '../engine/types.ts';
import { visibleLine, visibleLines } from '../engine/visible.ts';
import { asOneAnswer } from './answer.ts';

/** The forms hold one word. */
const MOST_BODY = 4096;
/** Then the page says that it has begun, and the answer comes as a mail. */
const PATIENCE = 3_000;

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
const said = (text: string): string => visibleLines(text).map(escapeHtml).join('<br>');

const STYLE = `:root{color-scheme:light dark}
body{margin:0;font:17px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif;background:#f5f5f2;color:#1f2328}
main{max-width:34rem;margin:12vh auto 0;padding:2rem;background:#fff;border-radius:12px}
h1{font-size:1.3rem;margin:0 0 1rem;overflow-wrap:anywhere}p{margin:0 0 1rem;overflow-wrap:anywhere}
button{font:inherit;padding:.6rem 1.1rem;margin:0 .6rem .6rem 0;border-radius:8px;border:1px solid #767676;background:none;color:inherit;cursor:pointer}
button.primary{background:#1f5f99;border-color:#1f5f99;color:#fff}
@media(max-width:40rem){main{margin:0;border-radius:0;min-height:100vh;box-sizing:border-box}}
@media(prefers-color-scheme:dark){body{background:#16181b;color:#e6e6e3}main{background:#212428}}`;

function show(response: ServerResponse, status: number, title: string, body: string): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy':
      "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-robots-tag': 'noindex',
    'cache-control': 'no-store',
  });
  response.end(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(visibleLine(title))} · Keepsake</title><style>${STYLE}</style></head>
<body><main><h1>${escapeHtml(visibleLine(title))}</h1>
${body}
</main></body></html>
`);
}

const paragraph = (text: string): string => `<p>${said(text)}</p>`;

/** What a page can show of a reply: its words. Pictures, tables and buttons are in the mail. */
const wordsOf = (reply: Reply): string =>
  reply.blocks
    .map((block) => {
      if (block.kind === 'text') return paragraph(block.text);
      if (block.kind !== 'fields') return '';
      return block.fields
        .map(({ label, value }) => paragraph(`${label}: ${typeof value === 'string' ? value : value.at}`))
        .join('');
    })
    .join('\n');

const tooOld = (response: ServerResponse): void =>
  show(
    response,
    404,
    'This link is too old, or was used.',
    paragraph('Nothing was done. Answer the newest mail of Keepsake instead, or say it in chat.'),
  );

/** Undefined for a body that is longer than any of our forms. */
async function readForm(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += (chunk as Buffer).length;
    if (length > MOST_BODY) return undefined;
    chunks.push(chunk as Buffer);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}

function unsubscribePage(services: MailServices): Page {
  return {
    path: '/mail/unsubscribe/:token',
    methods: ['GET', 'POST'],
    async handle(request, response, { token = '' }) {
      const found = await services.tokens.findUnsubscribe(token);
      if (!found) return tooOld(response);
      if (request.method === 'POST') {
        // Mail programs send "List-Unsubscribe=One-Click", the button nothing: both mean the same.
        if (!(await readForm(request))) return tooOld(response);
        await services.endMails(found);
        return show(
          response,
          200,
          'No more of these mails.',
          paragraph('Your backups go on. To get the mails again, say in chat or in the terminal: send reports'),
        );
      }
      show(
        response,
        200,
        'Stop these mails?',
        `${paragraph('Your backups go on; but you will not be mailed when one fails.')}
<form method="post"><button class="primary">Stop the mails</button></form>`,
      );
    },
  };
}

function confirmPage(services: MailServices, stopped: AbortSignal): Page {
  /** The answer, if it is there soon; a mail brings it otherwise. */
  async function answered(token: ReplyToken, person: Person, yes: boolean): Promise<Reply | undefined> {
    const line = (token.confirm ?? '').replace(/^yes\b/i, yes ? 'yes' : 'no');
    const key = `click:${createHash('sha256').update(`${token.id}\0${line}`).digest('hex').slice(0, 32)}`;
    const working = (async () => {
      const replies: Reply[] = [];
      for await (const reply of services.dispatch(line, {
        person,
        surface: 'mail',
        key,
        alone: true,
        ...(token.about === undefined ? {} : { about: token.about }),
        proof: { token: token.id, verified: false },
        zone: person.zone ?? services.zone,
        signal: stopped,
      })) {
        const kept = replies.findIndex((earlier) => earlier.live !== undefined && earlier.live === reply.live);
        if (kept >= 0) replies[kept] = reply;
        else replies.push(reply);
        if (reply.live !== undefined && reply.about?.run === reply.live) break;
      }
      return asOneAnswer(replies);
    })();
    const late = new AbortController();
    const first = await Promise.race([
      working,
      services.clock.sleep(PATIENCE, late.signal).then(
        () => 'later' as const,
        () => 'later' as const,
      ),
    ]);
    late.abort();
    if (first !== 'later') return first;
    working
      .then(async (reply) => {
        if (reply) await services.send(services.message(person, 'mail', key, reply, reply.about));
      })
      .catch((error: unknown) => services.log('error', 'mail.click_failed', { error }));
    return undefined;
  }

  return {
    path: '/mail/confirm/:token',
    methods: ['GET', 'POST'],
    async handle(request, response, { token = '' }) {
      const found = await services.tokens.findReply(token);
      const person = found && (await services.personOf(found.person));
      if (found?.confirm === undefined || !person) return tooOld(response);
      if (request.method !== 'POST') {
        return show(
          response,
          200,
          found.question ?? 'Shall I do it?',
          `<form method="post"><button class="primary" name="answer" value="yes">Yes, do it</button><button name="answer" value="no">No, leave it</button></form>`,
        );
      }
      const answer = (await readForm(request))?.get('answer');
      if (answer !== 'yes' && answer !== 'no') return tooOld(response);
      const reply = await answered(found, person, answer === 'yes');
      if (!reply) return show(response, 202, 'It has begun.', paragraph('The answer comes as a mail when it is done.'));
      show(response, 200, reply.title, wordsOf(reply));
    },
  };
}

/** `stopped` is aborted when the program ends. */
export const mailPages = (services: MailServices, stopped: AbortSignal): Page[] => [
  unsubscribePage(services),
  confirmPage(services, stopped),
];
