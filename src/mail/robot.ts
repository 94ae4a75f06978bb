/** What programs tell us and act by, without an answer: mails that did not arrive, and the button of a mail program that ends mails. */
import type { MailServices } from '../engine/services.ts';
import { bounceOf } from './bounce.ts';
import { threadReference, unsubscribeToken } from './carried.ts';
import type { ParsedMail, Taken } from './mail.ts';

const surface = 'mail';

/** A bounce counts only for a message that we sent, to the address that we sent it to: anybody can write one. */
async function bounce(mail: ParsedMail, services: MailServices): Promise<Taken | undefined> {
  const { log, threads } = services;
  const report = bounceOf(mail);
  if (!report) return undefined;
  const thread =
    report.original === undefined ? undefined : await threads.at(surface, threadReference(report.original));
  const address = report.recipient?.toLowerCase();
  const person = address === undefined ? undefined : await services.known({ surface, id: address });
  if (!thread || !address || !person || thread.person !== person.id) {
    log('info', 'mail.bounce_unknown', { status: report.status });
    return 'ignored';
  }
  if (report.hard) await services.bounced({ address, why: report.why, message: thread.reference });
  else log('warn', 'mail.bounce_soft', { address, status: report.status });
  return 'done';
}

async function unsubscribe(mail: ParsedMail, services: MailServices): Promise<Taken | undefined> {
  const token = unsubscribeToken(mail);
  if (token === undefined) return undefined;
  const found = await services.tokens.findUnsubscribe(token);
  if (!found) {
    const why = 'an unsubscribe address that is not known';
    await services.turnedAway({ surface, line: 'unsubscribe', why });
    return 'ignored';
  }
  await services.endMails(found);
  return 'done';
}

/** Undefined for a mail that is neither. */
export const takeRobot = async (mail: ParsedMail, services: MailServices): Promise<Taken | undefined> =>
  (await bounce(mail, services)) ?? (await unsubscribe(mail, services));
