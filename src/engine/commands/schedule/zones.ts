/** Zones as people name them: cities, abbreviations, offsets. */

import { zoneNamed } from './calendar.ts';

/** Abbreviations that mean one place's clock to nearly everybody, summer time included ("9am EST" is New York's 9am). */
const ABBREVIATIONS: Record<string, string> = {
  utc: 'UTC',
  gmt: 'UTC',
  zulu: 'UTC',
  cet: 'Europe/Berlin',
  cest: 'Europe/Berlin',
  wet: 'Europe/Lisbon',
  west: 'Europe/Lisbon',
  eet: 'Europe/Helsinki',
  eest: 'Europe/Helsinki',
  bst: 'Europe/London',
  msk: 'Europe/Moscow',
  et: 'America/New_York',
  est: 'America/New_York',
  edt: 'America/New_York',
  eastern: 'America/New_York',
  cdt: 'America/Chicago',
  central: 'America/Chicago',
  mst: 'America/Denver',
  mdt: 'America/Denver',
  mountain: 'America/Denver',
  pt: 'America/Los_Angeles',
  pst: 'America/Los_Angeles',
  pdt: 'America/Los_Angeles',
  pacific: 'America/Los_Angeles',
  akst: 'America/Anchorage',
  akdt: 'America/Anchorage',
  hst: 'Pacific/Honolulu',
  jst: 'Asia/Tokyo',
  kst: 'Asia/Seoul',
  hkt: 'Asia/Hong_Kong',
  sgt: 'Asia/Singapore',
  aest: 'Australia/Sydney',
  aedt: 'Australia/Sydney',
  acst: 'Australia/Adelaide',
  acdt: 'Australia/Adelaide',
  awst: 'Australia/Perth',
  nzst: 'Pacific/Auckland',
  nzdt: 'Pacific/Auckland',
  sast: 'Africa/Johannesburg',
  wib: 'Asia/Jakarta',
};

/** Abbreviations of several places: these are asked about, unless the person lives in one of them. */
const SHARED: Record<string, readonly string[]> = {
  cst: ['America/Chicago', 'Asia/Shanghai'],
  ist: ['Asia/Kolkata', 'Europe/Dublin', 'Asia/Jerusalem'],
  ast: ['America/Halifax', 'Asia/Riyadh'],
};

/** Large cities (and new spellings) that have no zone of their name. */
const CITIES: Record<string, string> = {
  kolkata: 'Asia/Kolkata',
  kathmandu: 'Asia/Kathmandu',
  kyiv: 'Europe/Kyiv',
  mumbai: 'Asia/Kolkata',
  delhi: 'Asia/Kolkata',
  bangalore: 'Asia/Kolkata',
  beijing: 'Asia/Shanghai',
  munich: 'Europe/Berlin',
  hamburg: 'Europe/Berlin',
  frankfurt: 'Europe/Berlin',
  cologne: 'Europe/Berlin',
  geneva: 'Europe/Zurich',
  barcelona: 'Europe/Madrid',
  milan: 'Europe/Rome',
  edinburgh: 'Europe/London',
  manchester: 'Europe/London',
  boston: 'America/New_York',
  washington: 'America/New_York',
  miami: 'America/New_York',
  atlanta: 'America/New_York',
  'san francisco': 'America/Los_Angeles',
  seattle: 'America/Los_Angeles',
  'las vegas': 'America/Los_Angeles',
  austin: 'America/Chicago',
  dallas: 'America/Chicago',
  houston: 'America/Chicago',
  montreal: 'America/Toronto',
  'rio de janeiro': 'America/Sao_Paulo',
  canberra: 'Australia/Sydney',
  wellington: 'Pacific/Auckland',
};

const CITY_ZONES: ReadonlyMap<string, string> = new Map([
  ...Intl.supportedValuesOf('timeZone')
    .filter((zone) => zone.includes('/'))
    .map((zone): [string, string] => [(zone.split('/').at(-1) ?? '').replaceAll('_', ' ').toLowerCase(), zone]),
  ...Object.entries(CITIES),
]);

/** Of a city or place ("new york"), in lower case. */
export const zoneOfCity = (name: string): string | undefined => CITY_ZONES.get(name);

/** Of an abbreviation ("pst"), in lower case: one zone, or several to ask about. */
export function zonesOfAbbreviation(word: string, home: string): readonly string[] {
  const shared = Object.hasOwn(SHARED, word) ? (SHARED[word] ?? []) : [];
  if (shared.includes(home)) return [home];
  if (shared.length > 0) return shared;
  const zone = Object.hasOwn(ABBREVIATIONS, word) ? ABBREVIATIONS[word] : undefined;
  return zone === undefined ? [] : [zone];
}

/** `UTC+2`, `gmt-05:30`, `+0100`: the offset as `+02:00`, or undefined where no clock has it. */
export function zoneOfOffset(text: string): string | undefined {
  const match = /([+-])\s?(\d{1,2}):?(\d\d)?$/.exec(text);
  if (match === null) return undefined;
  const hours = Number(match[2]);
  const minutes = Number(match[3] ?? 0);
  if (hours > 14 || minutes > 59) return undefined;
  if (hours === 0 && minutes === 0) return 'UTC';
  return zoneNamed(`${match[1]}${String(hours).padStart(2, '0')}:${String(minutes).padStart(2, '0')}`);
}
