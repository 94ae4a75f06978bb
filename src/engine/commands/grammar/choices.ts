/** Buttons under an answer: repaired lines, each read again and offered only if it then is a command. */
import type { Parsed } from '../command.ts';
import { type Edit, type Issue, type Line, replaced } from './reading.ts';

type Choices = { label: string; line: string }[];

/** What reading a line came to, before any choice is looked for. */
export type Reading =
  | Extract<Parsed, { outcome: 'command' }>
  | {
      outcome: 'stuck';
      line: Line;
      /** In the order in which they matter; never empty. */
      issues: Issue[];
      read: string;
      unread: string;
      example: string;
      /** Whole lines that may be meant, besides what the issues' fixes make. */
      lines: string[];
    };

/** As many as a chat shows without scrolling. */
const MOST = 8;
/** Lines read again for one answer: bounds the work for a hostile line. */
const BUDGET = 40;
/** A question may lead to one more ("gdrive" is two accounts, and so is "icloud"), seldom to a third. */
const DEEPEST = 3;

/** Combinations of fixes: each fix of each issue, together with the best fix of all others. */
function candidates(reading: Extract<Reading, { outcome: 'stuck' }>): { label: string | undefined; line: string }[] {
  const { line, issues } = reading;
  const fixable = issues.filter((issue) => issue.fixes.length > 0);
  const found: { label: string | undefined; line: string }[] = reading.lines.map((text) => ({
    label: undefined,
    line: text,
  }));
  // Only questions: one at a time, so that the next one is asked of each answer and every combination comes up.
  const asked = issues.every((issue) => issue.kind === 'clarify') ? fixable.slice(0, 1) : fixable;
  for (const issue of asked) {
    const others = asked.filter((other) => other !== issue);
    for (const fix of issue.fixes) {
      const edits: Edit[] = [...fix.edits, ...others.flatMap((other) => other.fixes[0]?.edits ?? [])];
      found.push({ label: others.length === 0 ? fix.label : undefined, line: replaced(line, edits) });
    }
  }
  return found;
}

/** Every line that is offered reads as a command. `read` reads a line without looking for choices. */
export function choicesOf(reading: Extract<Reading, { outcome: 'stuck' }>, read: (line: string) => Reading): Choices {
  const budget = { left: BUDGET };
  const found = new Map<string, string>();
  collect(reading, read, '', 1, budget, found);
  return [...found].map(([line, label]) => ({ label, line }));
}

function collect(
  reading: Extract<Reading, { outcome: 'stuck' }>,
  read: (line: string) => Reading,
  above: string,
  depth: number,
  budget: { left: number },
  found: Map<string, string>,
): void {
  const seen = new Set<string>();
  for (const { label, line } of candidates(reading)) {
    if (found.size >= MOST || budget.left <= 0) return;
    // Dropping every word would leave the empty line, which asks for the status.
    if (line.trim() === '' || seen.has(line) || found.has(line)) continue;
    seen.add(line);
    budget.left -= 1;
    const next = read(line);
    const own = label === undefined ? '' : label;
    const joined = [above, own].filter((part) => part !== '').join(', ');
    if (next.outcome === 'command') found.set(line, joined === '' ? line : joined);
    else if (depth < DEEPEST && next.issues.every((issue) => issue.kind === 'clarify')) {
      collect(next, read, joined, depth + 1, budget, found);
    }
  }
}
