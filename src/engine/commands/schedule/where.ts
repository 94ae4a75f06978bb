/** Reads what is neither pace nor date: zones, parts of the day, and "only when I ask". */

import { zoneNamed } from './calendar.ts';
import { partOfWord } from './clock.ts';
import { type Draft, fail, type Reading, type ReadRule, textAt, written } from './draft.ts';
import { MONTH_WORDS, WEEKDAY_WORDS } from './names.ts';
import { zoneOfCity, zoneOfOffset, zonesOfAbbreviation } from './zones.ts';

/** The longest city name in the database has four words ("port au prince" has three). */
const CITY_WORDS = 4;

function setZone(r: Reading, draft: Draft, zone: string, i: number): void {
  if (draft.zone === undefined || draft.zone === zone) draft.zone = zone;
  else {
    fail(draft, {
      code: 'unsupported',
      message: `"${r.phrase}" names two time zones.`,
      suggestion: r.phrase.slice(0, r.tokens[i]?.start ?? 0).replace(/[\s,(]*(in|and)?[\s,(]*$/i, ''),
    });
  }
}

export function unknownZone(r: Reading, from: number, to: number): NonNullable<Draft['problem']> {
  const text = written(r, from, to);
  return {
    code: 'unknown_zone',
    message: `I know no time zone "${text}". Zones are named like Europe/Berlin, New York or UTC.`,
    suggestion: { start: r.tokens[from]?.start ?? 0, end: r.tokens[to - 1]?.end ?? 0, text: r.zone },
  };
}

function city(r: Reading, i: number): { zone: string; took: number } | undefined {
  for (let took = CITY_WORDS; took > 0; took--) {
    const words = r.tokens.slice(i, i + took);
    if (words.length < took || words.some((word) => word.kind !== 'word' && word.text !== '-')) continue;
    const zone = zoneOfCity(words.map((word) => word.text).join(' '));
    if (zone !== undefined) return { zone, took };
  }
  return undefined;
}

/** "Europe/Paris", "UTC+2", "in New York", "9am PST", "Berlin time", "my time". */
const zone: ReadRule = (r, i, draft) => {
  const start = ['in', '('].includes(textAt(r, i)) ? i + 1 : i;
  const token = r.tokens[start];
  if (token === undefined) return 0;
  const done = (name: string, took: number): number => {
    setZone(r, draft, name, i);
    return start - i + took + (textAt(r, start + took) === 'time' ? 1 : 0);
  };
  if (token.kind === 'zone' || token.kind === 'offset') {
    const known = token.kind === 'zone' ? zoneNamed(token.text) : zoneOfOffset(token.text);
    if (known !== undefined) return done(known, 1);
    // In a line, "daily at 9am Pictures/Family" may go on with a folder.
    const raw = written(r, start, start + 1);
    const placed = start > i || textAt(r, i - 1) === 'in' || draft.times.length > 0;
    const goesOn = ['to', 'and', ','].includes(textAt(r, start + 1));
    if (r.line === true && (!placed || goesOn || !/^\p{Lu}\p{L}+\/\p{Lu}/u.test(raw))) return 0;
    fail(draft, unknownZone(r, start, start + 1));
    return start - i + 1;
  }
  if (token.kind !== 'word') return 0;
  if ((token.text === 'my' || token.text === 'local') && textAt(r, start + 1) === 'time') return done(r.zone, 1);
  // A place name alone may be an account or a folder: it is a zone behind a time, behind "in", or before "time".
  const before = textAt(r, i - 1);
  const behindTime =
    draft.times.length > 0 &&
    (r.tokens[i - 1]?.kind === 'clock' || ['noon', 'midnight', "o'clock", '('].includes(before));
  const place = city(r, start);
  const length = place?.took ?? 1;
  const expected = start > i || behindTime || before === 'in' || textAt(r, start + length) === 'time';
  const universal = token.text === 'utc' || token.text === 'gmt';
  if (!expected && !universal) return 0;
  if (place !== undefined) return done(place.zone, place.took);
  const zones = zonesOfAbbreviation(token.text, r.zone);
  const [only] = zones;
  if (zones.length === 1 && only !== undefined) return done(only, 1);
  if (zones.length > 1) {
    const took = done(r.zone, 1);
    draft.axes.push({
      question: `Which ${token.text.toUpperCase()} is meant?`,
      choices: zones.map((name) => ({ label: name, apply: (was) => ({ ...was, zone: name }) })),
    });
    return took;
  }
  const named =
    token.text.length > 2 && !WEEKDAY_WORDS.has(token.text) && !MONTH_WORDS.has(token.text)
      ? zoneNamed(token.text)
      : undefined;
  return named === undefined ? 0 : done(named, 1);
};

const dayPart: ReadRule = (r, i, draft) => {
  const part = partOfWord(textAt(r, i));
  if (part === undefined) return 0;
  draft.parts.push(part);
  // "every night", "mornings".
  if (textAt(r, i).endsWith('s')) draft.recurring = true;
  return 1;
};

const MANUAL = new RegExp(
  `^(?:${[
    `(?:only )?(?:when(?:ever)?|if) (?:i|we) (?:ask|say(?: so)?|want(?: it)?|tell (?:you|it)(?: to)?|run it|start it)(?: for it| you| it)?`,
    'only (?:manually|manual|by hand|on demand|on request|when asked)',
    'on (?:demand|request)',
    'when asked',
    'manually',
    'manual',
    'by hand',
    'never',
    'unscheduled',
    '(?:no|without a|without) schedule',
    'not (?:scheduled|automatically)',
  ].join('|')})(?![\\p{L}\\d])`,
  'iu',
);

const manual: ReadRule = (r, i, draft) => {
  const start = r.tokens[i]?.start ?? 0;
  const length = MANUAL.exec(r.phrase.slice(start))?.[0].length;
  if (length === undefined) return 0;
  draft.manual = true;
  return r.tokens.filter((token) => token.start >= start && token.end <= start + length).length;
};

export const readWhere: ReadRule = (r, i, draft) => manual(r, i, draft) || zone(r, i, draft) || dayPart(r, i, draft);
