/** The lines of a mail in HTML, marked with whose they are; what is quoted or cannot be seen is left out. */
import { Parser } from 'htmlparser2';
import type { BodyLine } from './line.ts';

/** Deeper is no letter of anyone; closing a tag costs a look at every open one. */
const DEEPEST = 256;
const MOST_LINES = 4_000;

type Attributes = Readonly<Record<string, string>>;

const UNSEEN = new Set(
  'head title style script template noscript svg math object iframe select textarea audio video canvas'.split(' '),
);
const BLOCKS = new Set(
  'address article aside blockquote body br center dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr html li main nav ol p pre section table tbody tfoot thead tr ul'.split(
    ' ',
  ),
);
const VOID = new Set('area base br col embed hr img input link meta param source track wbr'.split(' '));

/** By program: Gmail, Yahoo, Proton, Zoho, Tutanota, Spark, Front, Outlook for Mac, eM Client, Fastmail. */
const QUOTES =
  /(?:^|\s)(?:gmail_quote|gmail_quote_container|yahoo_quoted|protonmail_quote|zmail_extra|tutanota_quote|front-blockquote|moz-forward-container|elided-text)(?:\s|$)/i;
/** Gmail, Thunderbird, Roundcube. */
const ATTRIBUTIONS = /(?:^|\s)(?:gmail_attr|moz-cite-prefix|yahoo_attr|protonmail_reply_intro)(?:\s|$)/i;
/** Everything after: Outlook on the web, phones and desktop; Outlook for Mac. */
const CUTS =
  /^(?:x_)*(?:divrplyfwdmsg|appendonsend|mail-editor-reference-message-container|olk_src_body_section|oriMsgHtmlSeperator|isforwardcontent|isreplycontent|spnEditorSep)$/i;
const SIGNATURES =
  /(?:^|\s)(?:gmail_signature|moz-signature|protonmail_signature_block|tutanota_signature|zmail_signature|ms-outlook-mobile-signature|composer_signature|\S*applemailsignature\S*)(?:\s|$)/i;
/** Outlook for Windows draws a line above the header of the mail that is answered. */
const OUTLOOK_LINE = /border-top:\s*solid\s+(?:#e1e1e1|#b5c4df|windowtext)\s+1\.0pt/i;
const HIDDEN =
  /(?:display:\s*none|visibility:\s*(?:hidden|collapse)|font-size:\s*0(?:\.0+)?(?:px|pt|em|rem|%)?\s*(?:;|$|!)|max-height:\s*0(?:px|pt)?\s*(?:;|$|!)|mso-hide:\s*all|opacity:\s*0(?:\.0+)?\s*(?:;|$|!))/i;

type Meaning = 'said' | 'quote' | 'attribution' | 'cut' | 'unseen';

function meaningOf(tag: string, attributes: Attributes): Meaning {
  if (UNSEEN.has(tag)) return 'unseen';
  const { id = '', name = '', style = '' } = attributes;
  const classes = attributes.class ?? '';
  if (attributes.hidden !== undefined || HIDDEN.test(style)) return 'unseen';
  if (CUTS.test(id) || OUTLOOK_LINE.test(style) || /(?:^|\s)outlookmessageheader(?:\s|$)/i.test(classes)) return 'cut';
  if (tag === 'hr') return 'cut';
  if (
    SIGNATURES.test(classes) ||
    /^(?:x_)*(?:signature|composer_signature|ms-outlook-mobile-signature|applemailsignature)/i.test(id) ||
    name === 'messageSignatureSection'
  )
    return 'unseen';
  if (ATTRIBUTIONS.test(classes) || id === 'reply-intro') return 'attribution';
  if (tag === 'blockquote' || QUOTES.test(classes) || name === 'messageReplySection') return 'quote';
  return 'said';
}

/** Everything that can be seen, with what is quoted; for finding a mail inside of a mail. */
export const wholeHtmlLines = (html: string): BodyLine[] =>
  read(html, (tag, attributes) => (meaningOf(tag, attributes) === 'unseen' ? 'unseen' : 'said'));

/** What the writer said, and marks where quotations, attributions and cuts are. Reading stops at a cut. */
export const htmlLines = (html: string): BodyLine[] => read(html, meaningOf);

function read(html: string, meaning: (tag: string, attributes: Attributes) => Meaning): BodyLine[] {
  const lines: BodyLine[] = [];
  /** Pieces of the line being read. */
  let pieces: string[] = [];
  let depth = 0;
  /** Depth of the element whose contents are left out. */
  let outside: number | undefined;
  let preformatted = 0;
  let over = false;

  const flush = () => {
    lines.push({ text: pieces.join('') });
    pieces = [];
  };
  const mark = (kind: Exclude<BodyLine['mark'], undefined>) => {
    flush();
    lines.push({ text: '', mark: kind });
    if (kind === 'cut') over = true;
  };

  const parser = new Parser({
    onopentag(tag, attributes) {
      depth++;
      if (over) return;
      if (depth > DEEPEST) {
        mark('cut');
        return;
      }
      if (outside !== undefined) return;
      const kind = meaning(tag, attributes);
      if (kind === 'cut') mark('cut');
      else if (kind === 'quote' || kind === 'attribution') mark(kind);
      if (kind !== 'said') {
        if (!VOID.has(tag)) outside = depth;
        return;
      }
      if (BLOCKS.has(tag)) flush();
      else if (tag === 'td' || tag === 'th') pieces.push(' ');
      if (tag === 'pre') preformatted++;
    },
    ontext(text) {
      if (over || outside !== undefined) return;
      if (preformatted > 0) {
        const [first = '', ...rest] = text.split(/\r\n|\r|\n/);
        pieces.push(first);
        for (const line of rest) {
          flush();
          pieces.push(line);
        }
      } else pieces.push(text.replace(/[ \t\r\n\f]+/g, ' '));
    },
    onclosetag(tag) {
      if (outside === depth) outside = undefined;
      else if (!over && outside === undefined) {
        if (BLOCKS.has(tag) && !VOID.has(tag)) flush();
        if (tag === 'pre') preformatted--;
      }
      depth--;
    },
  });
  // In pieces, so that reading ends where nothing more is wanted.
  for (let at = 0; at < html.length && !over && lines.length < MOST_LINES; at += 8_192)
    parser.write(html.slice(at, at + 8_192));
  if (!over) parser.end();
  flush();
  return lines.length > MOST_LINES ? [...lines.slice(0, MOST_LINES), { text: '', mark: 'cut' }] : lines;
}
