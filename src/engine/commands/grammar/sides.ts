/** Which place is read and which are written: missing, doubled, swapped and self-containing places, each with its repair. */
import type { LocationText } from '../command.ts';
import { isFolder, locationText, relationOf, roleIssue, titleOf } from './locations.ts';
import type { Pieces, PlacePiece } from './pieces.ts';
import { type Fix, type Issue, type Line, refused, slice } from './reading.ts';
import { quote, quoted } from './words.ts';

/** Buttons for a missing place; more would not fit a chat's row. */
const OFFERED = 3;

/** Accounts that can play a side, as words of a line. A service without an account would only lead to the next question. */
export function placesFor(line: Line, side: 'source' | 'destination', except?: LocationText): string[] {
  const { accounts, kinds } = line.vocabulary;
  const plays = (name: string) => kinds.find((kind) => kind.name === name)?.roles.includes(side) ?? true;
  const names = accounts.filter((account) => plays(account.kind)).map((account) => account.name);
  return names.filter((name) => name !== except?.account && name !== except?.kind).map(quote);
}

/** Issues of the places of a plan's line. Nothing is said missing where an unread word stands in its place. */
export function sideIssues(line: Line, pieces: Pieces, start: number): Issue[] {
  const of = (side: PlacePiece['side']) => pieces.places.filter((place) => place.side === side);
  const sources = of('source');
  const destinations = of('destination');
  const loose = of('loose');
  const [source, second] = sources;
  const [spare] = loose;
  if (second) return [twoSources(line, source ?? second, second)];
  if (spare && source && destinations.length === 0) return [missingTo(spare)];
  if (spare && !source) {
    const fix = { edits: [{ from: spare.from, to: spare.from, text: 'from' }] };
    const message = `It is not said whether "${slice(line, spare.from, spare.to)}" is what to back up.`;
    return [refused('missing_from', spare.from, spare.to, message, [fix]).issue];
  }
  if (spare && source) return [sparePlace(line, pieces, source, spare)];
  const unknown = pieces.unread.length > 0;
  if (!source || destinations.length === 0) return unknown ? [] : [missing(line, source, destinations, start)];
  return relations(line, source, destinations);
}

function missingTo(spare: PlacePiece): Issue {
  const fix = { edits: [{ from: spare.from, to: spare.from, text: 'to' }] };
  const message = 'A backup is said with "to" between what is backed up and where it goes.';
  return refused('missing_to', spare.from, spare.to, message, [fix]).issue;
}

/** "icloud and gmail to gdrive": one line each. */
function twoSources(line: Line, first: PlacePiece, second: PlacePiece): Issue {
  const neighbours = second.from - first.to <= 1;
  const keep = (one: PlacePiece): Fix => ({
    edits: [{ from: first.from, to: second.to, text: slice(line, one.from, one.to) }],
  });
  const words = `"${slice(line, first.from, first.to)}" and "${slice(line, second.from, second.to)}"`;
  const message = `A plan backs up one place, and two are named: ${words}. Make a plan for each.`;
  return refused('two_sources', first.from, second.to, message, neighbours ? [keep(first), keep(second)] : []).issue;
}

function sparePlace(line: Line, pieces: Pieces, source: PlacePiece, spare: PlacePiece): Issue {
  const before = pieces.places.find((place) => place.to === spare.from);
  const path = before && line.words[before.to - 1];
  if (before && path && path.raw === path.text && isFolder(path.text)) {
    // "/mnt/My Disk", where "disk" is also a place.
    const whole = quoted(slice(line, before.to - 1, spare.to));
    const fix: Fix = { edits: [{ from: before.to - 1, to: spare.to, text: whole }] };
    const message = `A path with spaces has to be quoted: ${whole}.`;
    return refused('quote_path', before.to - 1, spare.to, message, [fix]).issue;
  }
  if (source.to === spare.from) return twoSources(line, source, spare);
  const words = slice(line, spare.from, spare.to);
  const fixes: Fix[] = [
    { edits: [{ from: spare.from, to: spare.from, text: 'and' }] },
    { edits: [{ from: spare.from, to: spare.to, text: '' }] },
  ];
  const message = `"${words}" is neither the source nor, with "and" before it, a further destination.`;
  return refused('spare_place', spare.from, spare.to, message, fixes).issue;
}

function missing(
  line: Line,
  source: PlacePiece | undefined,
  destinations: readonly PlacePiece[],
  start: number,
): Issue {
  const end = line.words.length;
  if (source) {
    const fixes = placesFor(line, 'destination', source.location)
      .slice(0, OFFERED)
      .map((name): Fix => ({ edits: [{ from: source.to, to: source.to, text: `to ${name}` }] }));
    const message = `It is not said where "${slice(line, source.from, source.to)}" should be backed up to. Add the place, such as: to /mnt/usb`;
    return refused('missing_destination', source.from, source.to, message, fixes).issue;
  }
  const [first] = destinations;
  const fixes = placesFor(line, 'source', first?.location)
    .slice(0, OFFERED)
    .map((name): Fix => {
      return { edits: [{ from: start, to: start, text: first ? `from ${name}` : '' }] };
    });
  const what = first ? `"${slice(line, first.from, first.to)}"` : 'the destination';
  return refused(
    first ? 'missing_source' : 'missing_places',
    first?.from ?? start,
    first?.to ?? end,
    first
      ? `It is not said what should be backed up to ${what}. Add the folder, such as: from ~/Pictures`
      : 'It is not said what to back up, and where to.',
    first ? fixes : [],
  ).issue;
}

function relations(line: Line, source: PlacePiece, destinations: readonly PlacePiece[]): Issue[] {
  const issues: Issue[] = [];
  const add = (issue: Issue | undefined) => {
    if (issue) issues.push(issue);
  };
  if (source.location) add(roleIssue(line, source.location, source.from, source.to, 'source'));
  for (const [i, destination] of destinations.entries()) {
    const { location, from, to } = destination;
    if (!location) continue;
    add(roleIssue(line, location, from, to, 'destination'));
    const words = slice(line, from, to);
    const twin = destinations
      .slice(0, i)
      .find((other) => other.location && relationOf(other.location, location) === 'same');
    if (twin) {
      const fix: Fix = { edits: [{ from: twin.to, to, text: '' }] };
      const near = from - twin.to <= 2 ? [fix] : [];
      add(refused('same_destination', from, to, `"${words}" is named twice as a destination.`, near).issue);
    }
    if (!source.location) continue;
    const relation = relationOf(source.location, location);
    if (relation === 'same') {
      const others = placesFor(line, 'destination', source.location).slice(0, OFFERED);
      const message = `Source and destination are the same place: ${titleOf(line.vocabulary, location.kind)} (${locationText(location)}). A backup belongs somewhere else.`;
      add(refused('same_place', from, to, message, others).issue);
    } else if (relation === 'inside') {
      const message = `"${words}" lies inside "${slice(line, source.from, source.to)}": the backup would back itself up. Choose a place outside.`;
      add(
        refused(
          'destination_inside',
          from,
          to,
          message,
          placesFor(line, 'destination', source.location).slice(0, OFFERED),
        ).issue,
      );
    }
  }
  return issues;
}
