/** Where a file is stored at a destination: the layout template, the name rules, and a free name. Pure. */
import { isOwnPath, joinPath, nameOf, OWN_FOLDER, storedPath } from '../path.ts';
import type { Entry, NameRules, Path } from '../types.ts';

export const PLACEHOLDERS = ['year', 'month', 'day', 'album', 'camera', 'folder'] as const;

/** A folder name made of text from outside: no separators, never a dot part. */
const folderName = (text: string): string => {
  const name = text.replaceAll('/', '‛2F').trim();
  return name === '' || name === '.' || name === '..' ? 'Other' : name;
};

/**
 * The wanted path below the destination's root. Dates are the file's own (capture date in `about.taken` where the source
 * tells it, else modified), in UTC so that a file never moves when the owner travels. A file without a date or album
 * goes to `Unknown`.
 */
export function laidOut(entry: Pick<Entry, 'path' | 'modified' | 'about'>, template: string | undefined): Path {
  if (!template) return entry.path;
  const taken = entry.about?.taken ?? entry.modified;
  const parent = entry.path.slice(0, -nameOf(entry.path).length).replace(/\/$/, '');
  const values: Record<string, string> = {
    year: taken?.slice(0, 4) ?? 'Unknown',
    month: taken?.slice(5, 7) ?? 'Unknown',
    day: taken?.slice(8, 10) ?? 'Unknown',
    album: folderName(entry.about?.album?.split('\n')[0] ?? 'Unknown'),
    camera: folderName(entry.about?.camera ?? 'Unknown'),
    folder: parent,
  };
  const folders = template
    .split('/')
    .map((part) => part.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole))
    .filter((part) => part !== '' && part !== '.' && part !== '..');
  const place = joinPath(...folders, nameOf(entry.path));
  // An album may bear any name; among our own files its pictures would be in nobody's sight.
  return isOwnPath(place) ? `Other${place.slice(OWN_FOLDER.length)}` : place;
}

/** `IMG (2).jpg` for n = 2. */
export function numbered(path: Path, n: number): Path {
  const name = nameOf(path);
  const dot = name.lastIndexOf('.');
  const stem = dot > 0 ? name.slice(0, dot) : name;
  return `${path.slice(0, path.length - name.length)}${stem} (${n})${dot > 0 ? name.slice(dot) : ''}`;
}

/** The first of `name`, `name (2)`, `name (3)` ... that is free, under the destination's rules. */
export function freePath(wanted: Path, rules: NameRules | undefined, taken: (stored: Path) => boolean): Path {
  for (let n = 1; ; n++) {
    const stored = storedPath(n === 1 ? wanted : numbered(wanted, n), rules);
    if (!taken(stored)) return stored;
  }
}
