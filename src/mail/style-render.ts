/**
 * Colours and sizes of a mail. Everything that matters is inlined, since some programs drop style sheets; the sheets here
 * only turn it dark and make it narrow. Every colour is written with the ground it stands on, so that programs that turn
 * a mail dark by themselves turn both. Pure.
 */

interface Shade {
  light: string;
  dark: string;
}

/** Contrast with the grounds they stand on is 4.5 to 1 or more, light, dark and turned (WCAG 2.2, 1.4.3). */
const SHADES = {
  page: { light: '#f1f3f1', dark: '#121416' },
  card: { light: '#ffffff', dark: '#1d2023' },
  tint: { light: '#f5f7f5', dark: '#26292d' },
  rule: { light: '#dde2de', dark: '#3a3f45' },
  ink: { light: '#1c2420', dark: '#eceeef' },
  muted: { light: '#56605a', dark: '#a9b1b8' },
  link: { light: '#17599c', dark: '#8fbfff' },
  good: { light: '#1a7440', dark: '#6fd596' },
  bad: { light: '#b3261e', dark: '#ff9f94' },
  half: { light: '#8a5a00', dark: '#f0bd5c' },
  busy: { light: '#17599c', dark: '#8fbfff' },
  idle: { light: '#6b746e', dark: '#9aa2a9' },
  /** On a ground of the colours above. */
  over: { light: '#ffffff', dark: '#14181b' },
} as const satisfies Record<string, Shade>;

export type Colour = keyof typeof SHADES;

export const light = (colour: Colour): string => SHADES[colour].light;

/** Inherited by all; Segoe UI first, since Outlook takes Times for a first name that it does not know. */
export const FONT = "'Segoe UI',-apple-system,BlinkMacSystemFont,Roboto,Helvetica,Arial,sans-serif";
export const MONO = "Menlo,Consolas,'DejaVu Sans Mono',monospace";

/** A file name must not stretch the page; inherited by all that is in a table with it. */
export const WRAP = 'word-break:break-word;overflow-wrap:anywhere';

/** Pixels. The card, and the picture in it. */
export const WIDTH = 600;
export const PICTURE_WIDTH = 568;

const colours = Object.keys(SHADES) as Colour[];

type Rule = (colour: Colour, value: string) => string;
const WRITTEN: Rule = (colour, value) => `.t-${colour}{color:${value}}`;
const RULED: Rule = (colour, value) => `.r-${colour}{border-color:${value}}`;
const GROUND: Rule = (colour, value) => `.g-${colour}{background-color:${value}}`;

const darkRules = (before: string, rules: readonly Rule[]): string =>
  colours
    .map((colour) => rules.map((rule) => `${before}${rule(colour, `${SHADES[colour].dark}!important`)}`).join(''))
    .join('\n');

const NARROW = `
.pad{padding-left:20px!important;padding-right:20px!important}
.edge{padding-left:0!important;padding-right:0!important}
.verdict{font-size:22px!important}
.stack td,.stack tr{display:block!important;width:auto!important}
.stack thead{display:none!important}
.stack td{border-bottom-width:0!important;padding:2px 0!important}
.stack tr{border-bottom:1px solid ${SHADES.rule.light};padding:10px 0!important}
.stack .name{display:inline!important}
.fields th,.fields td{display:block!important;width:auto!important;padding-right:0!important}
.fields th{border-bottom-width:0!important;padding-bottom:0!important;font-size:13px!important}
.fields td{padding-top:0!important}
.ways .way{display:block!important;width:auto!important;padding:0 0 4px 0!important}
.ways .said{display:block!important;width:auto!important;padding-bottom:16px!important}
`;

/** Two sheets: Gmail drops a whole sheet in which it finds what it does not know, and only Outlook needs the second. */
export const SHEETS = `<!--[if mso]><xml xmlns:o="urn:schemas-microsoft-com:office:office"><o:OfficeDocumentSettings><o:PixelsPerInch>96</o:PixelsPerInch></o:OfficeDocumentSettings></xml><style>table{border-collapse:collapse}td,th,p,h1,h2,a{font-family:'Segoe UI',Arial,sans-serif}.long{word-break:break-all}</style><![endif]-->
<style>
:root{color-scheme:light dark;supported-color-schemes:light dark}
@media only screen and (max-width:599px){${NARROW}}
@media (prefers-color-scheme:dark){
${darkRules('', [WRITTEN, RULED, GROUND])}
.stack tr{border-color:${SHADES.rule.dark}!important}
}
</style>
<style>
${darkRules('[data-ogsc] ', [WRITTEN, RULED])}
${darkRules('[data-ogsb] ', [GROUND])}
</style>`;
