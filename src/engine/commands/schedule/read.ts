/** Reads a phrase from left to right: each rule takes what it knows, in any order, until none does. */

import { readTimes } from './clock.ts';
import { readDates } from './dates.ts';
import { readDays } from './days.ts';
import { type Draft, emptyDraft, type Reading, type ReadRule, textAt } from './draft.ts';
import { readPace } from './pace.ts';
import { readWhere } from './where.ts';

/** The order matters where beginnings are alike: "first sunday" before "first", "5 december" before "5". */
const RULES: readonly ReadRule[] = [readWhere, readPace, readDays, readDates, readTimes];

/** Words that join what is read; at the end of it they belong to nothing. */
const JOINING = new Set(['on', 'at', 'the', 'and', 'of', 'in', ',', ';', '&', '+', '(', ')', '@', 'by', 'always']);

/** A dash joins a pace to what follows; between times, days or dates it would be a range, which is not one schedule. */
const dash = (r: Reading, i: number, draft: Draft): boolean =>
  textAt(r, i) === '-' &&
  draft.day === undefined &&
  [draft.times, draft.days, draft.dates, draft.months, draft.places, draft.parts].every((said) => said.length === 0);

/**
 * @returns what was read from `from` on, and the index of the first token that was not.
 */
export function read(r: Reading, from = 0): { draft: Draft; end: number } {
  const draft = emptyDraft();
  let end = from;
  let i = from;
  while (i < r.tokens.length) {
    let took = 0;
    for (const rule of RULES) {
      took = rule(r, i, draft);
      if (took > 0) break;
    }
    if (took > 0) {
      i += took;
      end = i;
    } else if (JOINING.has(textAt(r, i)) || dash(r, i, draft)) i += 1;
    else break;
  }
  // A closing bracket or a comma is part of what stands before it.
  while (end > from && [')', ',', '.', ';', '!'].includes(textAt(r, end))) end += 1;
  // "every" that nothing followed was not read.
  if (end > from && (textAt(r, end - 1) === 'every' || textAt(r, end - 1) === 'each')) end -= 1;
  return { draft, end };
}
