/** Which files a plan takes. Pure. */
import picomatch from 'picomatch';
import { extensionOf, isOwnPath, nameOf } from '../path.ts';
import type { Entry, Filter, Path } from '../types.ts';

/** What phones and cameras write, by extension; the service's own media type decides where it tells one. */
const PHOTOS = new Set(
  'jpg jpeg jpe heic heif hif png gif webp avif tif tiff bmp jxl jp2 psd dng raw arw cr2 cr3 crw nef nrw orf raf rw2 rwl pef srw sr2 srf 3fr erf kdc mef mos mrw x3f insp'.split(
    ' ',
  ),
);
const VIDEOS = new Set(
  'mp4 m4v mov avi mkv webm mpg mpeg mts m2ts 3gp 3g2 wmv flv hevc insv lrv mod tod vob'.split(' '),
);

export function mediaOf(entry: Pick<Entry, 'path' | 'mime'>): 'photos' | 'videos' | 'other' {
  const extension = extensionOf(entry.path);
  if (PHOTOS.has(extension) || entry.mime?.startsWith('image/')) return 'photos';
  if (VIDEOS.has(extension) || entry.mime?.startsWith('video/')) return 'videos';
  return 'other';
}

/**
 * Globs as people mean them: any case, `*.heic` at any depth, `holiday/` or `holiday/**` for a whole folder. Dot files
 * match like others.
 */
export function matcher(globs: readonly string[]): (path: Path) => boolean {
  const tests = globs.map((glob) => {
    const whole = glob.endsWith('/') ? `${glob}**` : glob;
    const test = picomatch(whole.replace(/^\/+/, ''), { nocase: true, dot: true });
    return whole.includes('/') ? test : (path: Path) => test(nameOf(path));
  });
  return (path) => tests.some((test) => test(path));
}

/**
 * True for files the plan takes. An entry that lacks what a condition asks about (no size, no date) is taken: a backup
 * errs towards keeping. Keepsake's own folder is never taken.
 */
export function createFilter(filter: Filter): (entry: Entry) => boolean {
  const only = filter.only?.length ? matcher(filter.only) : undefined;
  const except = filter.except?.length ? matcher(filter.except) : undefined;
  const albums = filter.albums?.length ? new Set(filter.albums.map((album) => album.toLowerCase())) : undefined;
  return (entry) => {
    if (isOwnPath(entry.path)) return false;
    if (except?.(entry.path)) return false;
    if (only || filter.kinds?.length) {
      const media = mediaOf(entry);
      const wanted = only?.(entry.path) || (media !== 'other' && filter.kinds?.includes(media));
      if (!wanted) return false;
    }
    if (entry.size !== undefined) {
      if (filter.largerThan !== undefined && entry.size <= filter.largerThan) return false;
      if (filter.smallerThan !== undefined && entry.size >= filter.smallerThan) return false;
    }
    if (entry.modified !== undefined) {
      if (filter.since !== undefined && entry.modified < filter.since) return false;
      if (filter.before !== undefined && entry.modified >= filter.before) return false;
    }
    if (albums) {
      const names = entry.about?.album?.split('\n') ?? [];
      if (!names.some((name) => albums.has(name.toLowerCase()))) return false;
    }
    return true;
  };
}
