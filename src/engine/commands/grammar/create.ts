/** The bare grammar: `<source> to <destination>[ and <destination>…] [schedule] [options]`, in any order that is clear. */
import type { CommandArgs, LocationText } from '../command.ts';
import { lineOf } from './line.ts';
import { type Pieces, piecesOf } from './pieces.ts';
import { type Issue, type Line, slice } from './reading.ts';
import { type Settled, settle } from './settle.ts';
import { sideIssues } from './sides.ts';
import { unreadIssues } from './unread.ts';

export interface PlanReading {
  args?: CommandArgs['create'];
  issues: Issue[];
  /** What was understood ("icloud → gdrive, weekly"). */
  read: string;
  /** The words that were not. */
  unread: string;
  pieces: Pieces;
}

/** Reads a plan's line from word `at` on. `commands` are the verbs that its first word may have been meant as. */
export function readPlan(line: Line, at: number, commands: readonly string[] = []): PlanReading {
  const pieces = piecesOf(line, at);
  const issues = [...pieces.issues, ...unreadIssues(line, pieces, at, commands)];
  const settled = settle(line, pieces, issues);
  if (settled.clearFilter && settled.filter) {
    const option = pieces.options.find((piece) => piece.slot === 'allFiles');
    const at = option?.from ?? 0;
    const edits = [{ from: at, to: option?.to ?? at, text: '' }];
    const message = 'All files, and only some of them: say one of the two.';
    issues.push({ code: 'contradiction', message, kind: 'error', from: at, to: at + 1, fixes: [{ edits }] });
  }
  issues.push(...sideIssues(line, pieces, at));
  const base = { issues, pieces, read: readText(line, pieces), unread: unreadText(line, pieces) };
  const source = pieces.places.find((place) => place.side === 'source')?.location;
  const destinations = pieces.places
    .filter((place) => place.side === 'destination')
    .flatMap((place) => place.location ?? []);
  if (issues.length > 0 || !source || destinations.length === 0) return base;
  return { ...base, args: createArgs(source, destinations, settled) };
}

function createArgs(source: LocationText, destinations: LocationText[], settled: Settled): CommandArgs['create'] {
  const { retention, clearFilter: _, without: __, limit, layout, ...options } = settled;
  const args = {
    source,
    destinations,
    ...options,
    ...(retention && retention !== 'everything' ? { retention } : {}),
    // A new plan has no filter, no limit and no template to remove.
    ...(limit ? { limit } : {}),
    ...(layout ? { layout } : {}),
  };
  return { ...args, line: lineOf(args) };
}

/** `icloud → gdrive and work-s3, weekly, only photos`, with `?` for what is missing. */
export function readText(line: Line, pieces: Pieces): string {
  const of = (side: string) =>
    pieces.places.filter((place) => place.side === side).map(({ from, to }) => slice(line, from, to));
  const sources = of('source').join(' and ');
  const destinations = of('destination').join(' and ');
  const places = [sources || destinations ? `${sources || '?'} → ${destinations || '?'}` : '', ...of('loose')];
  const others = [...pieces.schedules, ...pieces.options]
    .sort((a, b) => a.from - b.from)
    .map(({ from, to }) => slice(line, from, to));
  return [...places, ...others].filter((part) => part !== '').join(', ');
}

export const unreadText = (line: Line, pieces: Pieces): string =>
  pieces.unread.map(({ from, to }) => `"${slice(line, from, to)}"`).join(', ');
