/**
 * Small pictures of photos, side by side in one JPEG. The bytes are whatever somebody called a photo: they may be broken,
 * or made to break whoever opens them. One is decoded at a time.
 */
import type { Sharp, default as SharpModule } from 'sharp';
import { extensionOf } from '../path.ts';
import type { Path } from '../types.ts';

export interface ContactSheet {
  jpeg: Uint8Array;
  /** How many photos are on it. */
  shown: number;
}

/** A mail is 600 px wide, with a margin of 16 on both sides. */
const WIDTH = 568;
const GAP = 8;
const COLUMNS = 4;
export const MOST_SHOWN = 3 * COLUMNS;
/** Of a row, by how many photos are in it: fewer are larger. */
const HEIGHTS: Record<number, number> = { 1: 320, 2: 200, 3: 150, 4: 136 };

/**
 * What telephones and cameras make, 48 megapixels and a little. A file of a few KB can claim 400 (a decompression bomb);
 * a PNG with 16 bits a channel that had to be held whole would take 400 MB of these.
 */
const MOST_PIXELS = 50_000_000;
/** Seconds for one photo; the slowest honest format (AVIF) takes two on a small machine. */
export const DECODE_TIME = 5;

/** A report holds it, a database keeps the report: 150 KB. */
const MOST_BYTES = 150_000;
/** The first that fits is taken; noise of 568 x 424 fits the last one. */
const QUALITIES = [78, 65, 50, 35, 20];

const startsWith = (bytes: Uint8Array, at: number, text: string): boolean =>
  [...text].every((character, index) => bytes[at + index] === character.charCodeAt(0));

/**
 * Told by the first bytes and not by the name: the decoder would also read SVG, which is a program rather than a picture
 * (it draws for ever, or asks for other files).
 */
function isPhoto(bytes: Uint8Array): boolean {
  return (
    startsWith(bytes, 0, '\xff\xd8\xff') ||
    startsWith(bytes, 0, '\x89PNG\r\n\x1a\n') ||
    startsWith(bytes, 0, 'GIF8') ||
    (startsWith(bytes, 0, 'RIFF') && startsWith(bytes, 8, 'WEBP')) ||
    startsWith(bytes, 0, 'II*\0') ||
    startsWith(bytes, 0, 'MM\0*') ||
    // ISO/IEC 14496-12: the brand of AVIF and HEIC; what of the latter is HEVC is refused by the decoder.
    (startsWith(bytes, 4, 'ftyp') && ['avi', 'hei', 'mif', 'msf', 'hev'].some((brand) => startsWith(bytes, 8, brand)))
  );
}

/** Loaded with the first sheet: most processes of Keepsake make none. */
async function load(): Promise<typeof SharpModule> {
  const { default: sharp } = await import('sharp');
  // Each photo is seen once: what would be kept of it only costs memory.
  sharp.cache(false);
  return sharp;
}

/** Raw pixels without metadata: what is left of a photo that lies in memory with the others. */
interface Thumbnail {
  data: Buffer;
  width: number;
  height: number;
}

/** Whole, upright or not, and at least as large as nearly every cell. */
const THUMBNAIL = { width: WIDTH, height: WIDTH };

/** Rows of photos, as equal as can be, each at most four wide: 5 are 3 and 2. */
function rowsOf(count: number): number[] {
  const rows = Math.ceil(count / COLUMNS);
  return Array.from({ length: rows }, (_, row) => Math.ceil((count - row) / rows));
}

export interface SheetMaker {
  /** Whether files of this name can be decoded at all. HEIC is not, unless sharp was built with HEVC. */
  decodes(path: Path): boolean;
  /** Takes one photo; false for one that cannot be shown. */
  add(photo: Uint8Array): Promise<boolean>;
  /** The sheet of those that were taken; undefined without one. */
  finish(): Promise<ContactSheet | undefined>;
}

export async function openSheet(): Promise<SheetMaker> {
  const sharp = await load();
  const thumbnails: Thumbnail[] = [];

  async function add(photo: Uint8Array): Promise<boolean> {
    if (!isPhoto(photo)) return false;
    try {
      const { data, info } = await sharp(photo, {
        limitInputPixels: MOST_PIXELS,
        // A photo that was cut off is shown as far as it goes.
        failOn: 'none',
        autoOrient: true,
        sequentialRead: true,
      })
        .timeout({ seconds: DECODE_TIME })
        .resize({ ...THUMBNAIL, fit: 'inside', withoutEnlargement: true })
        .flatten({ background: '#ffffff' })
        .toColourspace('srgb')
        .removeAlpha()
        .raw()
        .toBuffer({ resolveWithObject: true });
      thumbnails.push({ data, width: info.width, height: info.height });
      return true;
    } catch {
      // Broken, too large, or of a kind that is not known here: it is backed up all the same, and not shown.
      return false;
    }
  }

  const heic = sharp.format.heif.input.fileSuffix?.includes('.heic') ?? false;
  const decodes = (path: Path): boolean => heic || !['heic', 'heif'].includes(extensionOf(path));

  const opened = ({ data, width, height }: Thumbnail): Sharp => sharp(data, { raw: { width, height, channels: 3 } });

  async function finish(): Promise<ContactSheet | undefined> {
    const rows = rowsOf(thumbnails.length);
    if (rows.length === 0) return undefined;
    const parts: { input: Buffer; raw: { width: number; height: number; channels: 3 }; left: number; top: number }[] =
      [];
    let top = 0;
    let next = 0;
    for (const columns of rows) {
      const width = (WIDTH - (columns - 1) * GAP) / columns;
      const height = HEIGHTS[columns] ?? 0;
      for (let column = 0; column < columns; column++) {
        const thumbnail = thumbnails[next++] as Thumbnail;
        const input = await opened(thumbnail)
          .resize({ width, height, fit: 'cover', position: 'attention' })
          .raw()
          .toBuffer();
        parts.push({ input, raw: { width, height, channels: 3 }, left: column * (width + GAP), top });
      }
      top += height + GAP;
    }
    const size = { width: WIDTH, height: top - GAP };
    const page = await sharp({ create: { ...size, channels: 3, background: '#ffffff' } })
      .composite(parts)
      .removeAlpha()
      .raw()
      .toBuffer();
    for (const quality of QUALITIES) {
      const drawn = sharp(page, { raw: { ...size, channels: 3 } });
      const jpeg = await drawn.jpeg({ quality, mozjpeg: true }).toBuffer();
      if (jpeg.byteLength <= MOST_BYTES) return { jpeg, shown: thumbnails.length };
    }
    return undefined;
  }

  return { decodes, add, finish };
}
