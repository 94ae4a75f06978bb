/** What the new files of a run are, noted while they are counted. Holds 24 paths, however many files there are. */
import { extensionOf } from '../path.ts';
import type { Entry, NewMedia, Path } from '../types.ts';
import { mediaOf } from './filter.ts';

/** A contact sheet shows twelve; of as many again, any may turn out to be none that can be shown. */
const KEPT = 24;

/** The most bytes of one photo that are read back for a picture. A raw file is larger, and shows nothing by itself. */
export const LARGEST_PHOTO = 30_000_000;

const SHOWABLE = new Set('jpg jpeg jpe png webp gif tif tiff avif heic heif'.split(' '));

const canBeShown = (entry: Pick<Entry, 'path' | 'size'>): boolean =>
  SHOWABLE.has(extensionOf(entry.path)) && (entry.size === undefined || entry.size <= LARGEST_PHOTO);

export interface NewMediaCount {
  add(entry: Entry): void;
  /** Undefined when no photo and no video was among them. */
  read(): NewMedia | undefined;
}

export function countNewMedia(): NewMediaCount {
  let photos = 0;
  let videos = 0;
  const newest: { path: Path; modified: string }[] = [];
  return {
    add(entry) {
      const media = mediaOf(entry);
      if (media === 'videos') videos++;
      if (media !== 'photos') return;
      photos++;
      const modified = entry.modified ?? '';
      const last = newest.at(-1);
      if (!canBeShown(entry) || (newest.length === KEPT && last && last.modified >= modified)) return;
      const at = newest.findIndex((kept) => kept.modified < modified);
      newest.splice(at === -1 ? newest.length : at, 0, { path: entry.path, modified });
      if (newest.length > KEPT) newest.pop();
    },
    read: () => (photos + videos === 0 ? undefined : { photos, videos, newest: newest.map(({ path }) => path) }),
  };
}
