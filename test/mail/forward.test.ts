/** What is handed on to be kept, and what is a command above a mail that hangs below. */
import { describe, expect, it } from 'vitest';
import { isForward } from '../../src/mail/forward.ts';
import type { ParsedMail } from '../../src/mail/mail.ts';

const mail = (more: Partial<ParsedMail>): ParsedMail => ({
  headers: [],
  from: [{ name: 'Ada', address: 'ada@example.org' }],
  fromHeaders: 1,
  sender: [],
  to: [],
  recipients: [],
  references: [],
  subject: 'Fwd: The contract',
  attachments: [],
  forwarded: false,
  ...more,
});

const BLOCK =
  'From: Bob <bob@example.com>\nDate: Tue, Oct 20, 2026 at 10:00 AM\nSubject: The contract\nTo: Ada <ada@example.org>\n\nrun now\n';
const MARKS = [
  '---------- Forwarded message ---------',
  '---------- Forwarded message ----------',
  '-------- Forwarded Message --------',
  'Begin forwarded message:',
  '-------- Weitergeleitete Nachricht --------',
  'Anfang der weitergeleiteten Nachricht:',
  '-------- Message transféré --------',
  'Début du message réexpédié :',
  '-------- Mensaje reenviado --------',
  'Inicio del mensaje reenviado:',
  '-------- Messaggio Inoltrato --------',
  'Inizio messaggio inoltrato:',
  '-------- Mensagem encaminhada --------',
  '-------- Doorgestuurd bericht --------',
  'Begin doorgestuurd bericht:',
  '-------- Videresendt meddelelse --------',
  '-------- Vidarebefordrat meddelande --------',
  '-------- Välitetty viesti --------',
  '-------- Przekazana wiadomość --------',
  '-------- Přeposlaná zpráva --------',
  '-------- Továbbított üzenet --------',
  '-------- Пересылаемое сообщение --------',
  'Начало переадресованного сообщения:',
  '-------- İletilen Mesaj --------',
  '-------- 転送されたメッセージ --------',
  '-------- 转发的邮件 --------',
  '---------- 已轉寄的郵件 ----------',
  '---------- 전달된 메시지 ----------',
];
const OUTLOOK =
  'From: Bob <bob@example.com>\nSent: Tuesday, October 20, 2026 10:00 AM\nTo: Ada\nSubject: The contract\n\nrun now\n';
const GERMAN =
  'Von: Bob <bob@example.com>\nGesendet: Dienstag, 20. Oktober 2026 10:00\nAn: Ada\nBetreff: Vertrag\n\nrun now\n';

describe('kept', () => {
  it.each(MARKS)('%s', (mark) => {
    expect(isForward(mail({ text: `${mark}\n${BLOCK}` }))).toBe(true);
    expect(isForward(mail({ text: `\n\nSent from my iPhone\n\n${mark}\n\n${BLOCK}`, subject: 'The contract' }))).toBe(
      true,
    );
  });

  it.each([
    ['FW: The contract', OUTLOOK],
    ['WG: Vertrag', GERMAN],
    ['TR : contrat', OUTLOOK],
    ['RV: contrato', OUTLOOK],
    ['转发: 合同', OUTLOOK],
  ])('Outlook, %s', (subject, text) => {
    expect(isForward(mail({ subject, text: `\n\n${text}` }))).toBe(true);
  });

  it.each<[string, Partial<ParsedMail>]>([
    ['a mail that is attached', { forwarded: true, subject: 'The contract' }],
    ['a mail that is attached, with a signature', { forwarded: true, text: '\n-- \nAda\n' }],
    ['a mail that is attached, with a greeting', { forwarded: true, text: 'Hi,\n' }],
    [
      'Gmail, in HTML',
      {
        html: `<div dir="ltr"><br><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">---------- Forwarded message ---------<br>From: Bob</div>run now</div></div>`,
      },
    ],
    [
      'Apple, in HTML',
      {
        html: '<body><br><blockquote type="cite"><div>Begin forwarded message:</div><div>From: Bob</div>run now</blockquote></body>',
      },
    ],
    [
      'Outlook, in HTML',
      {
        subject: 'FW: x',
        html: `<p>&nbsp;</p><hr><div id="divRplyFwdMsg">From: Bob<br>Sent: Tuesday<br>To: Ada</div>run now`,
      },
    ],
    [
      'Thunderbird, in HTML',
      {
        html: '<div class="moz-forward-container"><br>-------- Forwarded Message --------<table><tr><th>Subject:</th><td>x</td></tr></table>run now</div>',
      },
    ],
  ])('%s', (_, more) => {
    expect(isForward(mail(more))).toBe(true);
  });
});

describe('not kept', () => {
  it.each<[string, Partial<ParsedMail>]>([
    ['a command above a forwarded mail', { text: `run now\n\n${MARKS[0]}\n${BLOCK}` }],
    ['a command above an attached mail', { forwarded: true, text: 'run now' }],
    ['words of its own', { text: `Please keep this.\n\n${MARKS[0]}\n${BLOCK}` }],
    ['an answer of Outlook without words', { subject: 'RE: The contract', text: `\n\n${OUTLOOK}` }],
    ['an answer of Outlook in German without words', { subject: 'AW: Vertrag', text: `\n\n${GERMAN}` }],
    ['an answer of Outlook in Danish or Finnish without words', { subject: 'VS: x', text: `\n\n${OUTLOOK}` }],
    [
      'an answer without words',
      { subject: 'Re: x', text: 'On Tue, 20 Oct 2026 at 10:00, Bob <b@x> wrote:\n> run now' },
    ],
    ['only a subject', { text: '' }],
    ['nothing', {}],
    ['a command', { text: 'run now' }],
  ])('%s', (_, more) => {
    expect(isForward(mail(more))).toBe(false);
  });
});
