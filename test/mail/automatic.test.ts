/** Which mails nobody may answer, and that no person's mail is among them. */
import { describe, expect, it } from 'vitest';
import { automatic } from '../../src/mail/automatic.ts';
import type { ParsedMail } from '../../src/mail/mail.ts';

const own = { listId: 'reports.example.net', addresses: ['backup@example.net'] };

function mail(headers: Record<string, string>, more: Partial<ParsedMail> = {}): ParsedMail {
  return {
    headers: Object.entries(headers).map(([name, value]) => ({ name, value })),
    from: [{ name: 'Ada', address: 'ada@example.org' }],
    fromHeaders: 1,
    sender: [],
    to: [],
    recipients: ['backup@example.net'],
    references: [],
    subject: 'Re: photos',
    attachments: [],
    forwarded: false,
    text: 'run now',
    ...more,
  };
}
const from = (address: string): Partial<ParsedMail> => ({ from: [{ name: '', address }] });

describe('robots', () => {
  it.each<[string, Record<string, string>, Partial<ParsedMail>?]>([
    ['the null sender', {}, { returnPath: '' }],
    ['a delivery report', {}, { deliveryStatus: 'Action: failed' }],
    ['a report by its type', { 'content-type': 'multipart/report; report-type=disposition-notification' }],
    ['our own list', { 'list-id': 'Keepsake <reports.example.net>' }],
    ['our own Message-ID', {}, { messageId: '<abcdefghijklmnopqrstuvwxyz.k@example.net>' }],
    ['a mailing list', { 'list-id': '<friends.example.com>' }],
    ['an automatic answer', { 'auto-submitted': 'auto-replied' }],
    ['a generated mail', { 'auto-submitted': 'Auto-Generated (by cron)' }],
    ['an answer with parameters', { 'auto-submitted': 'auto-notified; owner-email="a@b"' }],
    ['bulk', { precedence: 'bulk' }],
    ['a list', { precedence: ' List ' }],
    ['junk', { precedence: 'junk' }],
    ['an automatic reply', { precedence: 'auto_reply' }],
    ['a loop', { 'x-loop': 'support@example.com' }],
    ['cPanel', { 'x-autorespond': 'Re: photos' }],
    ['FuseMail', { 'x-autoreply': 'yes' }],
    ['exim', { 'x-failed-recipients': 'ada@example.org' }],
    ['a newsletter', { 'list-unsubscribe': '<https://example.com/u>' }],
    ['a daemon', {}, from('mailer-daemon@example.com')],
    ['a daemon with a tag', {}, from('mailer-daemon+x=y@example.com')],
    ['a postmaster', {}, from('postmaster@example.com')],
    ['no-reply', {}, from('no-reply@example.com')],
    ['noreply', {}, from('noreply@example.com')],
    ['no_reply', {}, from('no_reply@example.com')],
    ['no reply for a purpose', {}, from('noreply-orders@example.com')],
    ['accounts that do not reply', {}, from('accounts-noreply@example.com')],
    ['do not reply', {}, from('do-not-reply@example.com')],
    ['a sender that is a daemon', {}, { sender: [{ name: '', address: 'mailer-daemon@example.com' }] }],
    ['bounces', {}, { returnPath: 'bounces+12@example.com' }],
    ['Outlook in English', {}, { subject: 'Automatic reply: photos' }],
    ['Outlook in German', {}, { subject: 'Automatische Antwort: photos' }],
    ['Outlook in French', {}, { subject: 'Réponse automatique : photos' }],
    ['Outlook in Spanish', {}, { subject: 'Respuesta automática: photos' }],
    ['Outlook in Italian', {}, { subject: 'Risposta automatica: photos' }],
    ['Outlook in Portuguese', {}, { subject: 'Resposta automática: photos' }],
    ['Outlook in Dutch', {}, { subject: 'Automatisch antwoord: photos' }],
    ['Outlook in Danish', {}, { subject: 'Automatisk svar: photos' }],
    ['Outlook in Finnish', {}, { subject: 'Automaattinen vastaus: photos' }],
    ['Outlook in Polish', {}, { subject: 'Odpowiedź automatyczna: photos' }],
    ['Outlook in Czech', {}, { subject: 'Automatická odpověď: photos' }],
    ['Outlook in Russian', {}, { subject: 'Автоматический ответ: photos' }],
    ['Outlook in Turkish', {}, { subject: 'Otomatik Yanıt: photos' }],
    ['Outlook in Japanese', {}, { subject: '自動応答: photos' }],
    ['Outlook in Chinese', {}, { subject: '自动答复: photos' }],
    ['Outlook in Korean', {}, { subject: '자동 회신: photos' }],
    ['an absence', {}, { subject: 'Abwesenheitsnotiz: photos' }],
    ['an absence and no more', {}, { subject: 'Out of Office' }],
    ['a bounce by its subject', {}, { subject: 'Undeliverable: photos' }],
    ['a receipt', {}, { subject: 'Read: photos', text: undefined as never }],
  ])('%s', (_, headers, more) => {
    const { text, ...rest } = more ?? {};
    const one = mail(headers, more && 'text' in more && text === undefined ? rest : more);
    if (more && 'text' in more) delete (one as { text?: string }).text;
    expect(automatic(one, own)).toEqual(expect.any(String));
  });
});

describe('people', () => {
  it.each<[string, Record<string, string>, Partial<ParsedMail>?]>([
    ['a plain answer', {}],
    ['one that says so', { 'auto-submitted': 'no' }],
    ['an urgent one', { precedence: 'first-class' }],
    ['a sender that is known', {}, { returnPath: 'ada@example.org' }],
    ['Outlook at a firm', { 'x-auto-response-suppress': 'DR, OOF, AutoReply' }],
    ['sent through Amazon SES', { 'feedback-id': '1.eu-west-1.x:AmazonSES' }],
    ['the mailbox that Keepsake uses', {}, from('backup@example.net')],
    ['a Message-ID of its own domain', {}, { messageId: '<CAF1@example.net>' }],
    ['a Message-ID that only looks like ours', {}, { messageId: '<abcdefghijklmnopqrstuvwxyz.k@example.com>' }],
    ['a name with a part of a word', {}, from('noreen@example.org')],
    ['a name that ends like one', {}, from('bruno.reply@example.org')],
    ['a subject that begins so', {}, { subject: 'Out of office hours only, please' }],
    ['a German subject that begins so', {}, { subject: 'Abwesend am Freitag' }],
    ['a subject about vacation', {}, { subject: 'Vacation photos' }],
    ['a read command', {}, { subject: 'Read: photos' }],
    ['an answer to a returned mail', {}, { subject: 'Returned mail: what is it?', inReplyTo: '<x@y>' }],
    ['a type that only mentions it', { 'content-type': 'text/plain; name="multipart/report"' }],
  ])('%s', (_, headers, more) => {
    expect(automatic(mail(headers, more), own)).toBeUndefined();
  });
});
