/** `connect <kind> [as name] [key=value …]`, `disconnect <account>`, `adopt <location>`. */
import { locationNames, namesOf, placeFixes, takeLocation, titleOf } from './locations.ts';
import { type Issue, keyAt, type Line, phraseAt, refused, slice, unclear } from './reading.ts';
import { nearest } from './suggest.ts';
import { done, ended, stuck, tooMuch, type VerbReading } from './verb.ts';
import { keyOf, quote } from './words.ts';

/** A name that can stand before the colon of a location. */
const ACCOUNT_NAME = /^[^\s:/\\"'~.,;=][^:/\\"',;=]{0,59}$/u;

/** A kind by name, title or alias, up to four words; accounts do not count here. */
function kindAt(line: Line, at: number): { next: number; kinds: string[] } | undefined {
  const { now, zone, kinds, plans } = line.vocabulary;
  const names = namesOf({ now, zone, kinds, plans, accounts: [] });
  for (let count = Math.min(4, line.words.length - at); count > 0; count--) {
    const words = line.words.slice(at, at + count);
    const found = names.get(keyOf(words.map((word) => word.text).join(' ')));
    if (found) return { next: at + count, kinds: found.map(({ kind }) => kind) };
  }
  return undefined;
}

export function readConnect(line: Line, from: number, at: number): VerbReading {
  const { kinds } = line.vocabulary;
  const start = at + phraseAt(line, at, ['my', 'to', 'to my', 'the', 'a', 'new']);
  // Connecting begins with choosing what.
  if (start >= line.words.length) return done({ name: 'help', args: { command: 'connect' } });
  const found = kindAt(line, start);
  if (!found) return unknownKind(line, from, start);
  const [kind, ...others] = found.kinds;
  const issues: Issue[] = [];
  if (others.length > 0) {
    const fixes = found.kinds.map((name) => ({ label: titleOf(line.vocabulary, name), text: quote(name) }));
    issues.push(unclear('which_kind', start, found.next, 'Which service?', fixes).issue);
  }
  let name: string | undefined;
  const settings: Record<string, string> = {};
  let i = found.next;
  while (i < line.words.length) {
    const head = phraseAt(line, i, ['as', 'named', 'called']);
    const word = line.words[i];
    if (head > 0) {
      name = line.words[i + head]?.text.trim() ?? '';
      if (!ACCOUNT_NAME.test(name) || kinds.some((one) => one.name !== kind && keyOf(one.name) === keyOf(name ?? ''))) {
        const message =
          'An account has a name of up to 60 characters without : / \\ or quotes, and not that of another service.';
        const to = Math.min(i + head + 1, line.words.length);
        issues.push(refused('bad_name', i, to, message, [`as work-${kind}`]).issue);
      }
      i += head + 1;
      continue;
    }
    const pair = word && /^([\p{L}][\p{L}\p{N}_.-]{0,63})=(.*)$/su.exec(word.text);
    if (!pair) {
      if (phraseAt(line, i, ['please', 'now']) === 0) {
        if (issues.length > 0) break;
        return tooMuch(line, from, i, settingFixes(line, i));
      }
      i += 1;
      continue;
    }
    const key = pair[1] ?? '';
    if (Object.hasOwn(settings, key)) {
      issues.push(refused('twice', i, i + 1, `"${key}" is given twice.`, ['']).issue);
    }
    settings[key] = pair[2] ?? '';
    i += 1;
  }
  if (issues.length > 0 || kind === undefined) return stuck(line, from, found.next, issues);
  return done({ name: 'connect', args: { kind, ...(name === undefined ? {} : { name }), settings } });
}

/** "connect webdav work": probably a name; "url: https://…" or "url https://…": probably a setting. */
function settingFixes(line: Line, at: number) {
  const rest = line.words.length - at;
  const word = line.words[at];
  if (!word) return [];
  if (rest === 1 && ACCOUNT_NAME.test(word.text)) return [{ edits: [{ from: at, to: at, text: 'as' }] }];
  const next = line.words[at + 1];
  const key = word.text.replace(/:$/, '');
  if (!next || !/^\p{L}[\w.-]*$/u.test(key)) return [];
  return [{ edits: [{ from: at, to: at + 2, text: `${key}=${quote(next.text)}` }] }];
}

function unknownKind(line: Line, from: number, at: number): VerbReading {
  const { kinds } = line.vocabulary;
  const end = Math.min(at + 1, line.words.length);
  const word = line.words[at]?.text ?? '';
  const names = kinds.map(({ name }) => name).filter((name) => name !== 'local');
  const near = nearest(
    word,
    kinds.flatMap((kind) => [kind.name, kind.title, ...kind.aliases]),
  );
  const fixes = (near.length > 0 ? near : names.slice(0, 5)).map(quote);
  const message = `"${word}" is no service that Keepsake knows. There are ${names.join(', ')}.`;
  const { issue } = refused('unknown_kind', at, end, message, fixes);
  return stuck(line, from, at, [issue], `"${slice(line, at, end)}"`);
}

export function readDisconnect(line: Line, from: number, at: number): VerbReading {
  const start = at + phraseAt(line, at, ['my', 'the', 'from', 'account', 'the account']);
  const { accounts } = line.vocabulary;
  const taken = start < line.words.length ? takeLocation(line, start) : undefined;
  if (taken?.issue?.kind === 'clarify' && taken.issue.code === 'which_account')
    return stuck(line, from, at, [taken.issue]);
  const account = taken?.value?.account;
  if (taken && account !== undefined && taken.value?.root === '') {
    return ended(line, from, taken.next, { name: 'disconnect', args: { account } });
  }
  const end = Math.min(start + 1, line.words.length);
  const word = line.words[start]?.text ?? '';
  const names = accounts.map(({ name }) => name);
  if (names.length === 0) {
    return stuck(line, from, at, [refused('no_accounts', start, end, 'No account is connected.').issue]);
  }
  const near = word === '' ? [] : nearest(word, names);
  const what = word === '' ? 'Disconnect which account?' : `No account is named "${word}".`;
  const fixes = (near.length > 0 ? near : names.slice(0, 10)).map((name) => ({ label: name, text: quote(name) }));
  const { issue } =
    word === ''
      ? unclear('which_account', start, end, what, fixes)
      : refused('unknown_account', start, end, `${what} There are ${names.map(quote).join(', ')}.`, fixes);
  return stuck(line, from, at, [issue], word === '' ? undefined : `"${word}"`);
}

export function readAdopt(line: Line, from: number, at: number): VerbReading {
  const start = at + phraseAt(line, at, ['from', 'the', 'my', 'backups in', 'backups from', 'the backups in', 'in']);
  const taken = takeLocation(line, start);
  if (taken?.issue) return stuck(line, from, at, [taken.issue]);
  if (taken) return ended(line, from, taken.next, { name: 'adopt', args: { location: taken.value } });
  const end = Math.min(start + 1, line.words.length);
  const word = line.words[start];
  const near = word ? placeFixes(line, word) : [];
  const names = locationNames(line.vocabulary).slice(0, 3).map(quote);
  const what = word ? `"${word.text}" is no place that Keepsake knows.` : 'Adopt which place?';
  const message = `${what} Say where the backups lie, such as /mnt/usb or nas:Backups.`;
  const { issue } = refused('unknown_place', start, end, message, near.length > 0 ? near : names);
  return stuck(line, from, at, [issue], word && keyAt(line, start) !== '' ? `"${word.text}"` : undefined);
}
