/**
 * The two pages that mails link to: one ends the mails (RFC 8058), one answers a question by a click. Opening a page never
 * acts: mail programs and virus scanners open every link.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MailServices, Page, ReplyToken } from '../engine/services.ts';
import type { Person, Reply } from '../engine/types.ts';
import { asOneAnswer } from './answer.ts';
import { renderWeb, type WebButton } from './web-render.ts';

/** The forms hold one word. */
const MOST_BODY = 4096;
/** Then the page says that it has begun, and the answer comes as a mail. */
const PATIENCE = 3_000;

function show(
  response: ServerResponse,
  status: number,
  reply: Reply,
  o: { zone: string; buttons?: WebButton[] },
): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy':
      "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-robots-tag': 'noindex',
    'cache-control': 'no-store',
  });
  response.end(renderWeb(reply, o));
}

const page = (tone: Reply['tone'], title: string, ...texts: string[]): Reply => ({
  tone,
  title,
  blocks: texts.map((text) => ({ kind: 'text', text })),
});

const NOT_HERE = { zone: 'UTC' };

const tooOld = (response: ServerResponse): void =>
  show(
    response,
    404,
    page(
      'plain',
      'This link is too old, or was used before.',
      'Nothing was done. Answer the newest mail of Keepsake instead, or say it in chat or in the terminal.',
    ),
    NOT_HERE,
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
          page(
            'good',
            'No more of these mails.',
            'The backups go on. But when one fails, no mail says so: ask for the status now and then.',
            'To get the mails again, answer any of them with: send reports',
            'You can close this page.',
          ),
          NOT_HERE,
        );
      }
      show(
        response,
        200,
        page(
          'plain',
          'Stop these mails?',
          'The backups go on. But you will not be mailed when one fails.',
          'If you want to keep the mails, close this page: nothing has changed.',
        ),
        { ...NOT_HERE, buttons: [{ label: 'Stop the mails', style: 'primary' }] },
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
      const zone = person.zone ?? services.zone;
      if (request.method !== 'POST') {
        const [title = 'Shall I do it?', ...texts] = (found.question ?? '').split('\n').filter(Boolean);
        return show(response, 200, page('plain', title, ...texts), { zone, buttons: YES_OR_NO });
      }
      const answer = (await readForm(request))?.get('answer');
      if (answer !== 'yes' && answer !== 'no') return tooOld(response);
      const reply = await answered(found, person, answer === 'yes');
      show(response, reply ? 200 : 202, reply ?? BEGUN, { zone });
    },
  };
}

const YES_OR_NO: WebButton[] = [
  { label: 'Yes, do it', answer: 'yes', style: 'primary' },
  { label: 'No, leave it', answer: 'no', style: 'plain' },
];

const BEGUN = page('busy', 'It has begun.', 'The answer comes as a mail when it is done. You can close this page.');

/** `stopped` is aborted when the program ends. */
export const mailPages = (services: MailServices, stopped: AbortSignal): Page[] => [
  unsubscribePage(services),
  confirmPage(services, stopped),
];
