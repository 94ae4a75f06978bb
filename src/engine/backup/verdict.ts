/** The first line of a report: are my files safe? Pure. */
import type { Counts, NewMedia, Plan, RunState } from '../types.ts';
import { countWords, manyWords } from '../wording.ts';

export interface VerdictDetails {
  /** Why it did not finish, or what it waits for. */
  reason?: string;
  /** Destinations that could not be used while others could. */
  lost?: readonly string[];
  media?: NewMedia | undefined;
}

export const joined = (texts: readonly string[]): string =>
  texts.length > 1 ? `${texts.slice(0, -1).join(', ')} and ${texts.at(-1)}` : (texts[0] ?? 'the destination');

/** `one` is absent where one file cannot be both. */
interface Noun {
  one: string;
  many: string;
}

const FILES: Noun = { one: 'file', many: 'files' };

/** What all the new files are. */
function nounOf(added: number, media: NewMedia | undefined): Noun {
  if (!media || media.photos + media.videos !== added) return FILES;
  if (media.videos === 0) return { one: 'photo', many: 'photos' };
  if (media.photos === 0) return { one: 'video', many: 'videos' };
  return { one: 'file', many: 'photos and videos' };
}

const areSafe = (files: number, { one, many } = FILES): string =>
  files === 1 ? `The one ${one} is safe` : `All ${countWords(files)} ${many} are safe`;

function movedSafe({ new: added, changed }: Counts, media: NewMedia | undefined): string {
  const { one, many } = changed === 0 ? nounOf(added, media) : FILES;
  const what = changed === 0 ? 'new' : added === 0 ? 'changed' : 'new and changed';
  return areSafe(added + changed, { one: `${what} ${one}`, many: `${what} ${many}` });
}

/** One sentence for people. */
export function verdict(
  state: RunState,
  counts: Counts,
  plan: Pick<Plan, 'source' | 'destinations'>,
  { reason, lost = [], media }: VerdictDetails = {},
): string {
  const where = joined(plan.destinations.map(({ text }) => text).filter((text) => !lost.includes(text)));
  const moved = counts.new + counts.changed;
  switch (state) {
    case 'done':
      if (counts.files === 0 && counts.vanished > 0)
        return `${plan.source.text} is empty now; what was in it is kept as older versions in ${where}.`;
      if (counts.files === 0) return `There is nothing to back up in ${plan.source.text} yet.`;
      if (moved === 0 && counts.vanished === 0) {
        const all = counts.files === 1 ? 'the one file is' : `all ${countWords(counts.files)} files are`;
        return `Nothing new: ${all} already safe in ${where}.`;
      }
      if (counts.new === counts.files) return `${areSafe(counts.files, nounOf(counts.new, media))} in ${where}.`;
      if (moved === 0) return `${areSafe(counts.files)} in ${where}; vanished ones are kept as older versions.`;
      return `${movedSafe(counts, media)} in ${where}.`;
    case 'partial': {
      const failed = counts.failed > 0 ? `${manyWords(counts.failed, 'file')} could not be backed up` : '';
      const unused = lost.length > 0 ? `${joined(lost)} could not be used this time` : '';
      return `${[unused, failed].filter(Boolean).join(', and ')}; everything else is safe in ${where}.`;
    }
    case 'stopped':
      return `Stopped. What was copied is safe in ${where}; the next run goes on from there.`;
    case 'waiting':
      return reason ?? 'Waiting for an answer.';
    case 'failed':
      return `The backup did not finish. ${reason ?? 'The problems are below.'}`;
    case 'queued':
      return 'Waiting for its turn.';
    case 'running':
      return 'Working.';
  }
}
