/**
 * What a person may mean while they type: for autocompletion. A value is what is typed into the field: names of plans,
 * accounts, files and snapshots as they are (a field of one name is quoted by `formLine`), places, schedules and lines as
 * words of a line. Only the caller's own names, and nothing for strangers.
 */
import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import type { Vocabulary } from './commands/command.ts';
import { complete } from './commands/completion.ts';
import { vocabularyOf } from './commands/dispatch.ts';
import { connectable } from './commands/form-for.ts';
import { cut } from './commands/forms.ts';
import { nearest } from './commands/grammar/suggest.ts';
import { keyOf, quote } from './commands/grammar/words.ts';
import { parse } from './commands/grammar.ts';
import { COMMANDS } from './commands/index.ts';
import { accountsOf } from './commands/locate.ts';
import { visiblePlans } from './commands/plan-of.ts';
import { zoneOfCity } from './commands/schedule/zones.ts';
import { nextRuns, parseSchedule, saySchedule } from './commands/schedule.ts';
import { isKeepsakeError } from './errors.ts';
import { redact } from './log.ts';
import { isStranger } from './people.ts';
import type { KindSummary, Services } from './services.ts';
import type { Caller, Plan, Schedule, Suggestion, Wanted } from './types.ts';
import { visibleLine } from './visible.ts';
import { instantWords, manyWords, sizeWords } from './wording.ts';

/** Discord: 25 choices, names and values of 100, https://docs.discord.com/developers/interactions/application-commands#autocomplete */
const MOST = 25;
const LONGEST = 100;
/** Discord gives an answer 3 s; people look up after one. */
const PATIENCE = 900;

type Known = Pick<Services, 'store' | 'kinds' | 'clock' | 'backup' | 'config'>;

/** One kind of question; yields best first, and more than is shown if it likes. */
type Suggester = (services: Services, caller: Caller, wanted: Wanted) => AsyncIterable<Suggestion>;

const suggestion = (value: string, label = value): Suggestion => ({ value, label });

/** Where in a name people begin to type: at its beginning, at a word, or anywhere; -1 where it does not occur. */
function rank(name: string, typed: string): number {
  const key = keyOf(name);
  const begin = keyOf(typed).replace(/^["“'/]/, '');
  const at = key.indexOf(begin);
  if (at <= 0) return at;
  return /[\p{L}\p{N}]/u.test(key[at - 1] ?? '') ? 2 : 1;
}

/** Those in which what was typed occurs, best first; by a slip, when there is none. */
function matching<T>(items: readonly T[], typed: string, namesOf: (item: T) => readonly string[]): T[] {
  const ranked = items.flatMap((item) => {
    const found = namesOf(item).map((name) => rank(name, typed));
    const best = Math.min(...found.filter((at) => at >= 0));
    return best === Number.POSITIVE_INFINITY ? [] : [{ item, best }];
  });
  if (ranked.length > 0) return ranked.sort((a, b) => a.best - b.best).map(({ item }) => item);
  const close = nearest(typed, items.flatMap(namesOf), MOST);
  return [...new Set(close.flatMap((name) => items.filter((item) => namesOf(item).includes(name))))];
}

const commandWords = (): string[] => Object.keys(COMMANDS).map((name) => (name === 'create' ? 'backup' : name));

/** The caller's own names, for `complete`. */
export async function completionWords(services: Pick<Services, 'store' | 'kinds'>, caller: Pick<Caller, 'person'>) {
  return {
    commands: commandWords(),
    plans: (await visiblePlans(services, caller)).map((plan) => plan.name),
    accounts: (await accountsOf(services, caller.person)).map((account) => account.name),
    kinds: services.kinds.list().map((kind) => kind.name),
  };
}

async function* lines(services: Services, caller: Caller, { typed }: Wanted): AsyncIterable<Suggestion> {
  // What is suggested is shown and kept by the chat.
  if (redact(typed) !== typed) return;
  const vocabulary: Vocabulary = await vocabularyOf(services, caller);
  const parsed = parse(typed, vocabulary);
  if (parsed.outcome !== 'command' && parsed.code === 'secret_in_line') return;
  if (parsed.outcome === 'command' && typed.trim() !== '') yield suggestion(typed.trim());
  const [hits, partial] = complete(typed, await completionWords(services, caller));
  const before = typed.slice(0, typed.length - partial.length);
  for (const hit of hits) yield suggestion((before + hit).trim());
  if (parsed.outcome !== 'command') for (const { line, label } of parsed.choices) yield suggestion(line, label);
}

async function* commands(_services: Services, _caller: Caller, { typed }: Wanted): AsyncIterable<Suggestion> {
  const known = Object.values(COMMANDS).map(({ name, summary }) => ({
    name: name === 'create' ? 'backup' : name,
    summary,
  }));
  for (const { name, summary } of matching(known, typed, (one) => [one.name]))
    yield suggestion(name, `${name}: ${summary}`);
}

async function* plans(services: Services, caller: Caller, { typed }: Wanted): AsyncIterable<Suggestion> {
  for (const { name } of matching(await visiblePlans(services, caller), typed, (plan) => [plan.name]))
    yield suggestion(name);
}

async function* accounts(services: Services, caller: Caller, { typed }: Wanted): AsyncIterable<Suggestion> {
  const titles = new Map(services.kinds.list().map((kind) => [kind.name, kind.title]));
  for (const { name, kind } of matching(await accountsOf(services, caller.person), typed, (account) => [
    account.name,
    account.kind,
  ]))
    yield suggestion(name, `${name} (${titles.get(kind) ?? kind})`);
}

async function* kinds(services: Services, _caller: Caller, { typed }: Wanted): AsyncIterable<Suggestion> {
  const known = connectable(services);
  const all = (kind: KindSummary): string[] => [kind.name, kind.title, ...kind.aliases];
  for (const kind of matching(known, typed, all)) yield suggestion(kind.name, kind.title);
}

const places = (side: 'source' | 'destination'): Suggester =>
  async function* suggestPlaces(services, caller, { typed }) {
    const able = services.kinds.list().filter((kind) => kind.roles.includes(side));
    const own = (await accountsOf(services, caller.person)).filter((account) =>
      able.some((kind) => kind.name === account.kind),
    );
    const others = able.filter((kind) => kind.name !== 'local' && !own.some((account) => account.kind === kind.name));
    const known = [
      ...own.map(({ name }) => ({ name, label: name })),
      ...others.map(({ name, title }) => ({ name, label: `${title} (to be connected)` })),
    ];
    for (const { name, label } of matching(known, typed, (one) => [one.name, one.label]))
      yield suggestion(quote(name), label);
    // What lies on the machine is nobody's business but its owner's.
    if (caller.person.role !== 'owner') return;
    for (const folder of await folders(services.config.localRoots, typed.replace(/^"|"$/g, '')))
      yield suggestion(quote(folder), folder);
  };

/** The opened folders, or the folders inside the one that is being typed. */
async function folders(roots: readonly string[], typed: string): Promise<string[]> {
  const begin = typed.toLowerCase();
  const open = roots.filter((root) => root.toLowerCase().includes(begin));
  const parent = typed.endsWith(sep) ? typed.slice(0, -1) : dirname(typed);
  // Nothing outside of what was opened, however many ".." are typed: `join` has resolved them.
  const inside = join(parent);
  if (!roots.some((root) => inside === root || inside.startsWith(root + sep))) return open;
  const start = typed.endsWith(sep) ? '' : basename(typed).toLowerCase();
  const names = await readdir(inside, { withFileTypes: true }).catch((): Dirent[] => []);
  return [
    ...open,
    ...names
      .filter(
        (entry) => entry.isDirectory() && !entry.name.startsWith('.') && entry.name.toLowerCase().startsWith(start),
      )
      .map((entry) => join(inside, entry.name)),
  ];
}

/** In the order in which people are likely to want them. */
const PHRASES = [
  'weekly',
  'daily',
  'daily at 03:00',
  'hourly',
  'monthly',
  'only when I ask',
  'every sunday at 03:00',
  'every friday at 18:00',
  'every weekday at 18:00',
  'every monday and thursday at 02:00',
  'every other friday',
  'every 2 hours',
  'every 6 hours',
  'every 12 hours',
  'every 3 days',
  'every night',
  'every weekend',
  'on the 1st of every month',
  'on the last day of every month',
  'twice a day',
  'tomorrow at 09:00',
  'yearly',
];

function scheduleLabel(phrase: string, schedule: Schedule, zone: string, now: Date): string {
  const said = saySchedule(schedule, { now, zone });
  const [next] = nextRuns(schedule, now, 1);
  const date = next ? `, next ${instantWords(next.toISOString(), zone)}` : '';
  return keyOf(said) === keyOf(phrase) ? `${phrase}${date}` : `${phrase}: ${said}${date}`;
}

async function* schedules(services: Services, { zone }: Caller, { typed }: Wanted): AsyncIterable<Suggestion> {
  const now = services.clock.now();
  const answer = typed.trim() === '' ? undefined : parseSchedule(typed, { now, zone });
  if (answer?.outcome === 'ok') yield suggestion(typed.trim(), scheduleLabel(typed.trim(), answer.schedule, zone, now));
  if (answer?.outcome === 'clarify') {
    for (const option of answer.options) yield suggestion(option.phrase, `${option.phrase}: ${option.label}`);
  }
  const begun = PHRASES.filter((phrase) => phrase.toLowerCase().startsWith(typed.trim().toLowerCase()));
  const meant = answer?.outcome === 'error' && begun.length === 0 ? [answer.suggestion] : begun;
  for (const phrase of meant) {
    const read = parseSchedule(phrase, { now, zone });
    if (read.outcome === 'ok') yield suggestion(phrase, scheduleLabel(phrase, read.schedule, zone, now));
  }
}

/** The plan that files or snapshots are wanted of: the one named, the one talked about, or all there are. */
async function plansMeant(services: Known, caller: Caller, name: string | undefined): Promise<Plan[]> {
  const visible = await visiblePlans(services, caller);
  if (name !== undefined) return visible.filter((plan) => keyOf(plan.name) === keyOf(name));
  const about = visible.filter((plan) => plan.id === caller.about?.plan);
  return about.length > 0 ? about : visible;
}

async function* files(services: Services, caller: Caller, { typed, plan }: Wanted): AsyncIterable<Suggestion> {
  const meant = await plansMeant(services, caller, plan);
  const words = typed.split(/\s+/).filter((word) => word !== '');
  // Names that are too long to be said are left out, so there must be some to spare.
  for await (const file of services.backup.find(meant, words, MOST * 4, caller.signal)) {
    const when = file.modified === undefined ? '' : `, ${instantWords(file.modified, caller.zone).slice(0, 10)}`;
    const size = ` (${sizeWords(file.size)}${when})`;
    yield suggestion(file.path, `${cut(visibleLine(file.path), LONGEST - size.length)}${size}`);
  }
}

async function* snapshots(services: Services, caller: Caller, { typed, plan }: Wanted): AsyncIterable<Suggestion> {
  const [meant, ...others] = await plansMeant(services, caller, plan);
  if (!meant || others.length > 0) return;
  for await (const { run, started, files: count, bytes } of services.backup.snapshots(meant)) {
    const label = `${instantWords(started, caller.zone)}, ${manyWords(count, 'file')}, ${sizeWords(bytes)}`;
    if (rank(run, typed) >= 0 || rank(label, typed) >= 0) yield suggestion(run, label);
  }
}

async function* zones(services: Services, caller: Caller, { typed }: Wanted): AsyncIterable<Suggestion> {
  const now = services.clock.now().toISOString();
  const words = typed.trim().replaceAll('_', ' ');
  const city = zoneOfCity(words.toLowerCase());
  const known = Intl.supportedValuesOf('timeZone').map((zone) => ({ zone, name: zone.replaceAll('_', ' ') }));
  const clock = (zone: string): string => `${zone}, ${instantWords(now, zone).slice(-5)} now`;
  if (words === '') yield suggestion(caller.zone, clock(caller.zone));
  if (city !== undefined) yield suggestion(city, clock(city));
  for (const { zone } of matching(known, words, ({ name }) => [name])) yield suggestion(zone, clock(zone));
}

const SUGGESTERS: Record<Wanted['of'], Suggester> = {
  line: lines,
  command: commands,
  plan: plans,
  account: accounts,
  kind: kinds,
  source: places('source'),
  destination: places('destination'),
  schedule: schedules,
  file: files,
  snapshot: snapshots,
  zone: zones,
};

/** What came until the signal was aborted, whether or not the search obeys it. */
async function gathered(found: AsyncIterable<Suggestion>, signal: AbortSignal): Promise<Suggestion[]> {
  const late = Promise.withResolvers<'late'>();
  const onAbort = (): void => late.resolve('late');
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  const values = new Map<string, Suggestion>();
  const iterator = found[Symbol.asyncIterator]();
  try {
    while (values.size < MOST) {
      const next = await Promise.race([iterator.next(), late.promise]);
      if (next === 'late' || next.done) break;
      const { value, label } = next.value;
      const shown = cut(visibleLine(label).trim(), LONGEST);
      if (value === '' || shown === '' || value.length > LONGEST || values.has(value)) continue;
      values.set(value, { value, label: shown });
    }
  } catch (error) {
    // A search that obeys the signal ends with its reason; what was found until then is the answer.
    if (!signal.aborted && !isKeepsakeError(error)) throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
    // Not waited for: a search that hangs would take this answer with it.
    iterator.return?.().catch(() => undefined);
  }
  return [...values.values()];
}

/**
 * As `SurfaceServices.suggest`: best first, at most 25, each label and value of at most 100 characters; what cannot be said
 * in so many is left out. `patience` in milliseconds.
 */
export function createSuggest(
  services: Services,
  { patience = PATIENCE }: { patience?: number } = {},
): (wanted: Wanted, caller: Caller) => Promise<Suggestion[]> {
  return async (wanted, caller) => {
    if (isStranger(caller.person)) return [];
    const signal = AbortSignal.any([caller.signal, AbortSignal.timeout(patience)]);
    return gathered(SUGGESTERS[wanted.of](services, { ...caller, signal }, wanted), signal);
  };
}
