/** The pieces of a plan's line put together: one schedule, each option once, nothing against anything. */
import type { Schedule } from '../../types.ts';
import { parseSchedule, type TakenSchedule } from '../schedule.ts';
import { contradiction, type OptionSet, type Slot } from './options.ts';
import type { OptionPiece, Pieces, SchedulePiece } from './pieces.ts';
import { type Edit, type Fix, type Issue, type Line, refused, slice, unclear } from './reading.ts';

export interface Settled extends OptionSet {
  schedule?: Schedule;
}

/** Everything but the places. Issues are added to `issues`; what is in the answer is sound. */
export function settle(line: Line, pieces: Pieces, issues: Issue[]): Settled {
  const schedule = settleSchedule(line, pieces.schedules, issues);
  const settled: Settled = schedule ? { schedule } : {};
  const seen = new Map<Slot, OptionPiece>();
  for (const piece of pieces.options) {
    const before = seen.get(piece.slot);
    if (before) {
      issues.push(twice(line, before, piece));
      continue;
    }
    seen.set(piece.slot, piece);
    const filter = piece.set.filter ? { ...settled.filter, ...piece.set.filter } : undefined;
    const without = piece.set.without ? [...(settled.without ?? []), ...piece.set.without] : undefined;
    Object.assign(settled, piece.set, filter ? { filter } : {}, without ? { without } : {});
  }
  const against = settled.filter && contradiction(settled.filter);
  if (against) {
    const parts = pieces.options.filter((piece) => piece.set.filter);
    const [first] = parts;
    const last = parts.at(-1);
    const drop = (piece: OptionPiece): Fix => ({
      label: `Without "${slice(line, piece.from, piece.to)}"`,
      edits: [{ from: piece.from, to: piece.to, text: '' }],
    });
    issues.push(refused('contradiction', first?.from ?? 0, last?.to ?? 0, against, parts.map(drop)).issue);
  }
  return settled;
}

function twice(line: Line, before: OptionPiece, piece: OptionPiece): Issue {
  const [a, b] = [slice(line, before.from, before.to), slice(line, piece.from, piece.to)];
  const without = (one: OptionPiece): Edit[] => [{ from: one.from, to: one.to, text: '' }];
  const message = `"${a}" and "${b}" say the same option twice. Which one?`;
  return refused('twice', piece.from, piece.to, message, [
    { label: a, edits: without(piece) },
    { label: b, edits: without(before) },
  ]).issue;
}

/** A time of day, a zone: what may stand apart from the rest of its schedule ("weekly icloud to gdrive at 02:00"). */
const APART = /^(?:at |in |from |starting |\d|[\p{L}_]+\/[\p{L}_]+|utc|noon|midnight)/iu;

function settleSchedule(line: Line, parts: readonly SchedulePiece[], issues: Issue[]): Schedule | undefined {
  const [first, ...others] = parts;
  if (!first) return undefined;
  let answer: TakenSchedule['answer'] = first.taken.answer;
  if (others.length > 0) {
    // "at 02:00 icloud to gdrive weekly": the piece that says how often goes first.
    const sorted = [...parts].sort((a, b) => Number(APART.test(a.taken.text)) - Number(APART.test(b.taken.text)));
    const { now, zone } = line.vocabulary;
    const joined = parseSchedule(sorted.map((part) => part.taken.text.replace(/,$/, '')).join(' '), { now, zone });
    const apart = sorted.slice(1).every((part) => APART.test(part.taken.text));
    if (!apart || joined.outcome === 'error') {
      issues.push(twoSchedules(line, parts));
      return undefined;
    }
    answer = joined;
  }
  if (answer.outcome === 'ok') return answer.schedule;
  const drops = others.map((part): Edit => ({ from: part.from, to: part.to, text: '' }));
  const instead = (phrase: string): Edit[] => [{ from: first.from, to: first.to, text: phrase }, ...drops];
  if (answer.outcome === 'clarify') {
    const { issue } = unclear('schedule', first.from, first.to, answer.question, []);
    const fixes = answer.options.map(({ label, phrase }): Fix => ({ label, edits: instead(phrase) }));
    issues.push({ ...issue, fixes });
  } else {
    const halves = twoIn(first.taken.text, line);
    issues.push(
      halves
        ? refused(
            'two_schedules',
            first.from,
            first.to,
            `A plan has one schedule, and "${halves.join('" and "')}" are two. Which one?`,
            halves.map((half) => ({ label: half, edits: instead(half) })),
          ).issue
        : refused(answer.code, first.from, first.to, answer.message, [{ edits: instead(answer.suggestion) }]).issue,
    );
  }
  return undefined;
}

/** "weekly daily": the two schedules that stand side by side, if that is what is wrong. */
function twoIn(text: string, { vocabulary: { now, zone } }: Line): [string, string] | undefined {
  const words = text.split(' ');
  for (let cut = 1; cut < Math.min(words.length, 12); cut++) {
    const halves: [string, string] = [words.slice(0, cut).join(' '), words.slice(cut).join(' ')];
    const both = halves.every((half) => !APART.test(half) && parseSchedule(half, { now, zone }).outcome === 'ok');
    if (both) return halves;
  }
  return undefined;
}

function twoSchedules(line: Line, parts: readonly SchedulePiece[]): Issue {
  const texts = parts.map((part) => `"${slice(line, part.from, part.to)}"`);
  const fixes = parts.map(
    (kept): Fix => ({
      label: slice(line, kept.from, kept.to),
      edits: parts.filter((part) => part !== kept).map(({ from, to }) => ({ from, to, text: '' })),
    }),
  );
  const [first] = parts;
  const message = `A plan has one schedule, and ${texts.join(' and ')} are several. Which one?`;
  return refused('two_schedules', first?.from ?? 0, parts.at(-1)?.to ?? 0, message, fixes).issue;
}
