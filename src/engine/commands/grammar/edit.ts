/** `edit <plan> <schedule and options>` and `rename <plan> to <name>`. */
import type { CommandArgs } from '../command.ts';
import { readText, unreadText } from './create.ts';
import { piecesOf } from './pieces.ts';
import { planAt, thisPlan, unknownPlan } from './plans.ts';
import { type Fix, type Issue, type Line, phraseAt, refused, slice } from './reading.ts';
import { settle } from './settle.ts';
import { unreadIssues } from './unread.ts';
import { done, neededPlan, stuck, type VerbReading } from './verb.ts';
import { quote, quoted } from './words.ts';

export function readEdit(line: Line, from: number, at: number): VerbReading {
  const found = neededPlan(line, from, at, 'Change which plan?', true, (i) => i > at);
  if (found.reading) {
    const implied = line.vocabulary.plan;
    // "edit weekly" in a thread about one plan.
    return implied === undefined ? found.reading : readChanges(line, at, implied);
  }
  return readChanges(line, found.next, found.plan);
}

/** The schedule and the options from word `at` on, as changes of that plan. */
export function readChanges(line: Line, at: number, plan: string): VerbReading {
  const start = at + phraseAt(line, at, ['to', 'so that it runs', 'to run', 'and']);
  const pieces = piecesOf(line, start);
  const issues: Issue[] = [...pieces.issues, ...unreadIssues(line, pieces, start, [])];
  const { clearFilter, ...settled } = settle(line, pieces, issues);
  for (const place of pieces.places) {
    const words = slice(line, place.from, place.to);
    const drop: Fix = { edits: [{ from: place.from, to: place.to, text: '' }] };
    const message = `Source and destination of a plan stay as they are, because another place is another backup. Make a new plan for ${words}.`;
    issues.push(refused('places_stay', place.from, place.to, message, [drop]).issue);
  }
  const read = [`edit ${quote(plan)}`, readText(line, pieces)].filter((part) => part !== '').join(', ');
  if (issues.length > 0) return { issues, read, unread: unreadText(line, pieces) };
  const args: CommandArgs['edit'] = { plan, ...settled, ...(clearFilter ? { clearFilter } : {}) };
  return done({ name: 'edit', args });
}

/** `rename <plan> to <name>`; the new name may have several words, being all that is left. */
export function readRename(line: Line, from: number, at: number): VerbReading {
  const found = planAt(line, at) ?? thisPlan(line, at);
  const end = line.words.length;
  if (!found) {
    const to = Math.min(at + 1, end);
    return stuck(line, from, at, [unknownPlan(line, at, to)], `"${slice(line, at, to)}"`);
  }
  const to = found.next + phraseAt(line, found.next, ['to', 'as', '->', '→']);
  const words = line.words.slice(to);
  const name = words.map((word) => word.text + (word.comma ? ',' : '')).join(' ');
  if (to === found.next || words.length === 0) {
    const fixes = words.length === 0 ? [] : [`to ${quoted(name)}`];
    const message = 'Say the new name after "to".';
    return stuck(line, from, found.next, [refused('bad_name', found.next, end, message, fixes).issue]);
  }
  if (words.length > 1) {
    const fix = { edits: [{ from: to, to: end, text: quoted(name) }] };
    const { issue } = refused('bad_name', to, end, 'A name of several words has to be quoted.', [fix]);
    return stuck(line, from, to, [issue], `"${slice(line, to, end)}"`);
  }
  if (name.trim() === '' || [...name].length > 80) {
    return stuck(line, from, to, [refused('bad_name', to, end, 'A name has 1 to 80 characters.').issue]);
  }
  return done({ name: 'edit', args: { plan: found.plan, name: name.trim() } });
}
