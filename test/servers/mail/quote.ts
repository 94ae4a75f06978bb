/** How mail programs quote what they answer, in the languages people have them in. */

export const LANGUAGES = ['en', 'de', 'fr', 'es', 'it', 'pt', 'nl', 'da', 'sv', 'pl', 'ja', 'zh'] as const;
export type Language = (typeof LANGUAGES)[number];

export const STYLES = [
  'gmail',
  'outlook',
  'outlook-web',
  'apple',
  'iphone',
  'thunderbird',
  'bottom',
  'html-only',
  'plain',
] as const;
/** `bottom`: Thunderbird with the answer below the quote. `plain`: a program that quotes without a word about it. */
export type Style = (typeof STYLES)[number];

export interface Original {
  from: { name: string; address: string };
  to: string;
  subject: string;
  date: Date;
  text: string;
  html: string;
}

const LOCALES: Record<Language, string> = {
  en: 'en-US',
  de: 'de-DE',
  fr: 'fr-FR',
  es: 'es-ES',
  it: 'it-IT',
  pt: 'pt-BR',
  nl: 'nl-NL',
  da: 'da-DK',
  sv: 'sv-SE',
  pl: 'pl-PL',
  ja: 'ja-JP',
  zh: 'zh-CN',
};

function dateWords(date: Date, language: Language): { day: string; short: string; long: string; time: string } {
  const format = (options: Intl.DateTimeFormatOptions): string =>
    new Intl.DateTimeFormat(LOCALES[language], { timeZone: 'UTC', ...options }).format(date);
  return {
    day: format({ weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' }),
    short: format({ day: '2-digit', month: '2-digit', year: '2-digit' }),
    long: format({ weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' }),
    time: format({ hour: 'numeric', minute: '2-digit' }),
  };
}

/** Gmail's line above its quote; `who` as `Keepsake <backup@example.org>`. */
const GMAIL: Record<Language, (day: string, time: string, who: string) => string> = {
  en: (day, time, who) => `On ${day} at ${time} ${who} wrote:`,
  de: (day, time, who) => `Am ${day} um ${time} Uhr schrieb ${who}:`,
  fr: (day, time, who) => `Le ${day} à ${time}, ${who} a écrit :`,
  es: (day, time, who) => `El ${day}, ${time}, ${who} escribió:`,
  it: (day, time, who) => `Il giorno ${day} alle ore ${time} ${who} ha scritto:`,
  pt: (day, time, who) => `Em ${day} às ${time}, ${who} escreveu:`,
  nl: (day, time, who) => `Op ${day} om ${time} schreef ${who}:`,
  da: (day, time, who) => `Den ${day} kl. ${time} skrev ${who}:`,
  sv: (day, time, who) => `Den ${day} kl. ${time} skrev ${who}:`,
  pl: (day, time, who) => `${day} o ${time} ${who} napisał(a):`,
  ja: (day, time, who) => `${day} ${time} ${who}:`,
  zh: (day, time, who) => `${who} 于${day} ${time}写道：`,
};

/** Apple Mail's and Thunderbird's; Thunderbird gives the name alone. */
const APPLE: Record<Language, (day: string, time: string, who: string) => string> = {
  ...GMAIL,
  en: (day, time, who) => `On ${day}, at ${time}, ${who} wrote:`,
  de: (day, time, who) => `Am ${day} um ${time} schrieb ${who}:`,
  fr: (day, time, who) => `Le ${day} à ${time}, ${who} a écrit :`,
  es: (day, time, who) => `El ${day}, a las ${time}, ${who} escribió:`,
  it: (day, time, who) => `Il giorno ${day}, alle ore ${time}, ${who} ha scritto:`,
  pt: (day, time, who) => `Em ${day}, à(s) ${time}, ${who} escreveu:`,
  pl: (day, time, who) => `Wiadomość napisana przez ${who} w dniu ${day}, o godz. ${time}:`,
  ja: (day, time, who) => `${day} ${time}、${who}のメール:`,
  zh: (day, time, who) => `${day} ${time}，${who} 写道：`,
};

const THUNDERBIRD: Record<Language, (day: string, time: string, who: string) => string> = {
  ...APPLE,
  en: (day, time, who) => `On ${day} ${time}, ${who} wrote:`,
  es: (day, time, who) => `El ${day} a las ${time}, ${who} escribió:`,
  it: (day, time, who) => `Il ${day} ${time}, ${who} ha scritto:`,
  pl: (day, time, who) => `W dniu ${day} o ${time}, ${who} pisze:`,
  ja: (day, time, who) => `On ${day} ${time}, ${who} wrote:`,
  zh: (day, time, who) => `在 ${day} ${time}, ${who} 写道:`,
};

/** Outlook's block of headers: From, Sent, To, Subject. */
const OUTLOOK: Record<Language, [string, string, string, string]> = {
  en: ['From:', 'Sent:', 'To:', 'Subject:'],
  de: ['Von:', 'Gesendet:', 'An:', 'Betreff:'],
  fr: ['De :', 'Envoyé :', 'À :', 'Objet :'],
  es: ['De:', 'Enviado:', 'Para:', 'Asunto:'],
  it: ['Da:', 'Inviato:', 'A:', 'Oggetto:'],
  pt: ['De:', 'Enviado:', 'Para:', 'Assunto:'],
  nl: ['Van:', 'Verzonden:', 'Aan:', 'Onderwerp:'],
  da: ['Fra:', 'Sendt:', 'Til:', 'Emne:'],
  sv: ['Från:', 'Skickat:', 'Till:', 'Ämne:'],
  pl: ['Od:', 'Wysłano:', 'Do:', 'Temat:'],
  ja: ['差出人:', '送信日時:', '宛先:', '件名:'],
  zh: ['发件人:', '发送时间:', '收件人:', '主题:'],
};

export const SENT_FROM_PHONE: Record<Language, string> = {
  en: 'Sent from my iPhone',
  de: 'Von meinem iPhone gesendet',
  fr: 'Envoyé de mon iPhone',
  es: 'Enviado desde mi iPhone',
  it: 'Inviato da iPhone',
  pt: 'Enviado do meu iPhone',
  nl: 'Verstuurd vanaf mijn iPhone',
  da: 'Sendt fra min iPhone',
  sv: 'Skickat från min iPhone',
  pl: 'Wysłane z iPhone’a',
  ja: 'iPhoneから送信',
  zh: '发自我的 iPhone',
};

/** Outlook answers in Danish and Swedish with SV, in German with AW; the others, and every other program, say Re. */
export function replySubject(subject: string, style: Style, language: Language): string {
  if (/^(re|aw|sv|antw|odp)\s*:/i.test(subject)) return subject;
  const isOutlook = style === 'outlook' || style === 'outlook-web' || style === 'html-only';
  const own: Partial<Record<Language, string>> = { de: 'AW', da: 'SV', sv: 'SV', nl: 'Antw', pl: 'Odp', zh: '回复' };
  return `${isOutlook ? (own[language] ?? 'RE') : 'Re'}: ${subject}`;
}

const quoted = (text: string): string =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => (line === '' ? '>' : `> ${line}`))
    .join('\n');
const html = (text: string): string =>
  text.replace(/[&<>]/g, (one) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[one] ?? '').replace(/\n/g, '<br>');
const who = (original: Original): string => `${original.from.name} <${original.from.address}>`.trim();
/** Gmail wraps its line in the text part, mostly before the address. */
const wrapped = (line: string): string => (line.length > 74 ? line.replace(/ ?</, ' <\n') : line);
const bodyOf = (page: string): string => (/<body[^>]*>([\s\S]*)<\/body>/i.exec(page)?.[1] ?? page).trim();

export interface Written {
  text?: string;
  html?: string;
}

function gmail(said: string, original: Original, language: Language): Written {
  const { day, time } = dateWords(original.date, language);
  const line = GMAIL[language](day, time, who(original));
  return {
    text: `${said}\n\n${wrapped(line)}\n\n${quoted(original.text)}\n`,
    html: `<div dir="ltr">${html(said)}</div><br><div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">${html(line)}<br></div><blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex">${bodyOf(original.html) || html(original.text)}</blockquote></div>`,
  };
}

function outlookHeaders(original: Original, language: Language): [string, string][] {
  const [from, sent, to, subject] = OUTLOOK[language];
  const { long, time } = dateWords(original.date, language);
  return [
    [from, who(original)],
    [sent, `${long} ${time}`],
    [to, original.to],
    [subject, original.subject],
  ];
}

/** The classic program rules a line above the block by style alone; the one in the browser writes a rule of underscores. */
function outlook(said: string, original: Original, language: Language, isWeb: boolean): Written {
  const block = outlookHeaders(original, language);
  const rule = isWeb ? '________________________________\n' : '';
  const page = bodyOf(original.html) || html(original.text);
  const headers = block.map(([name, value]) => `<b>${name}</b> ${html(value)}`).join('<br>\n');
  return {
    text: `${said}\n\n${rule}${block.map(([name, value]) => `${name} ${value}`).join('\n')}\n\n${original.text}\n`,
    html: isWeb
      ? `<html><head></head><body><div class="elementToProof" style="font-family:Aptos">${html(said)}</div><div id="appendonsend"></div><hr style="display:inline-block;width:98%" tabindex="-1"><div id="divRplyFwdMsg" dir="ltr"><font face="Calibri, sans-serif" style="font-size:11pt">${headers}</font><div>&nbsp;</div></div><div>${page}</div></body></html>`
      : `<html xmlns:o="urn:schemas-microsoft-com:office:office"><body lang="EN-US"><div class="WordSection1"><p class="MsoNormal">${html(said)}<o:p></o:p></p><p class="MsoNormal"><o:p>&nbsp;</o:p></p><div><div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm"><p class="MsoNormal">${headers}<o:p></o:p></p></div></div>${page}</div></body></html>`,
  };
}

/** Apple's programs quote the line above the quote as well. */
function apple(said: string, original: Original, language: Language, isPhone: boolean): Written {
  const { day, time } = dateWords(original.date, language);
  const line = APPLE[language](day, time, who(original));
  const signature = isPhone ? SENT_FROM_PHONE[language] : '';
  const below = signature === '' ? '' : `\n\n${signature}`;
  const page = bodyOf(original.html) || html(original.text);
  return {
    text: `${said}${below}\n\n> ${line}\n> \n${quoted(original.text)}\n`,
    html: `<html><head><meta http-equiv="content-type" content="text/html; charset=utf-8"></head><body dir="auto"><div>${html(said)}</div>${signature === '' ? '' : `<div dir="ltr"><br>${html(signature)}</div>`}<div dir="ltr"><br><blockquote type="cite">${html(line)}<br><br></blockquote></div><blockquote type="cite"><div dir="ltr">${page}</div></blockquote></body></html>`,
  };
}

function thunderbird(said: string, original: Original, language: Language, isBelow: boolean): Written {
  const { short, time } = dateWords(original.date, language);
  const line = THUNDERBIRD[language](short, time, original.from.name || original.from.address);
  const quote = `${line}\n${quoted(original.text)}`;
  const page = `<div class="moz-cite-prefix">${html(line)}<br></div><blockquote type="cite">${bodyOf(original.html)}</blockquote>`;
  const words = `<p>${html(said)}</p>`;
  return {
    text: isBelow ? `${quote}\n\n${said}\n` : `${said}\n\n${quote}\n`,
    ...(original.html === '' ? {} : { html: `<html><body>${isBelow ? page + words : words + page}</body></html>` }),
  };
}

export function writeReply(said: string, original: Original, style: Style, language: Language): Written {
  switch (style) {
    case 'gmail':
      return gmail(said, original, language);
    case 'outlook':
      return outlook(said, original, language, false);
    case 'outlook-web':
      return outlook(said, original, language, true);
    case 'apple':
      return apple(said, original, language, false);
    case 'iphone':
      return apple(said, original, language, true);
    case 'thunderbird':
      return thunderbird(said, original, language, false);
    case 'bottom':
      return thunderbird(said, original, language, true);
    case 'html-only':
      return { html: outlook(said, original, language, true).html ?? '' };
    case 'plain':
      return { text: `${said}\n\n${quoted(original.text)}\n` };
  }
}
