/** Makes the small library that the demo backs up: real JPEGs with EXIF, and a few mails. */
import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';

interface Shot {
  path: string;
  /** Local time of the camera. */
  taken: Date;
  camera: { make: string; model: string };
  place: { latitude: number; longitude: number };
  /** 0 to 359. */
  hue: number;
}

const CAMERAS = [
  { make: 'Fujifilm', model: 'X100V' },
  { make: 'Apple', model: 'iPhone 15' },
  { make: 'Canon', model: 'EOS R6' },
];

const ALBUMS = [
  { folder: 'Photos/2026/Lisbon', place: { latitude: 38.7139, longitude: -9.1334 }, shots: 8 },
  { folder: 'Photos/2026/Grandma’s 80th 🎂', place: { latitude: 48.1372, longitude: 11.5756 }, shots: 6 },
  { folder: 'Photos/2026/京都の秋', place: { latitude: 35.0116, longitude: 135.7681 }, shots: 6 },
];

const WIDTH = 960;
const HEIGHT = 640;
const DAY = 86_400_000;

const two = (value: number): string => String(value).padStart(2, '0');

/** EXIF writes dates with colons and without a zone (Exif 2.32, 4.6.5). */
const exifDate = (date: Date): string =>
  `${date.getUTCFullYear()}:${two(date.getUTCMonth() + 1)}:${two(date.getUTCDate())} ${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;

/** Degrees, minutes and hundredths of seconds as rationals. */
function exifAngle(angle: number): string {
  const hundredths = Math.round(Math.abs(angle) * 360_000);
  return `${Math.floor(hundredths / 360_000)}/1 ${Math.floor(hundredths / 6000) % 60}/1 ${hundredths % 6000}/100`;
}

/** Hills before a sky, in a colour of its own, so that each picture differs in its bytes and for the eye. */
function drawing(hue: number): string {
  const hill = (base: number, swing: number, lightness: number): string => {
    const points = Array.from({ length: 25 }, (_, i) => {
      const y = base + Math.sin(i / 3 + hue / 20) * swing + Math.sin(i * 1.7 + hue) * swing * 0.3;
      return `${(i * WIDTH) / 24},${Math.round(y)}`;
    });
    return `<polygon points="0,${HEIGHT} ${points.join(' ')} ${WIDTH},${HEIGHT}" fill="hsl(${hue},45%,${lightness}%)"/>`;
  };
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}">
<defs><linearGradient id="s" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="hsl(${(hue + 200) % 360},70%,60%)"/><stop offset="1" stop-color="hsl(${(hue + 40) % 360},80%,85%)"/></linearGradient></defs>
<rect width="100%" height="100%" fill="url(#s)"/><circle cx="${200 + hue}" cy="150" r="60" fill="hsl(${(hue + 60) % 360},90%,80%)"/>
${hill(380, 70, 45)}${hill(460, 50, 35)}${hill(540, 30, 22)}</svg>`;
}

/** A JPEG as a camera makes it: date, camera and place inside. */
export async function photo(shot: Omit<Shot, 'path'>): Promise<Buffer> {
  const date = exifDate(shot.taken);
  return sharp(Buffer.from(drawing(shot.hue)))
    .flatten()
    .withExif({
      IFD0: { Make: shot.camera.make, Model: shot.camera.model, DateTime: date },
      IFD2: { DateTimeOriginal: date, DateTimeDigitized: date },
      IFD3: {
        GPSLatitudeRef: shot.place.latitude < 0 ? 'S' : 'N',
        GPSLatitude: exifAngle(shot.place.latitude),
        GPSLongitudeRef: shot.place.longitude < 0 ? 'W' : 'E',
        GPSLongitude: exifAngle(shot.place.longitude),
      },
    })
    .jpeg({ quality: 88 })
    .toBuffer();
}

const mail = (from: string, subject: string, date: Date, text: string): string =>
  [
    `From: ${from}`,
    'To: Ana <ana@example.org>',
    `Subject: ${subject}`,
    `Date: ${date.toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${date.getTime()}@example.org>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    '',
    text,
    '',
  ].join('\r\n');

async function put(file: string, bytes: string | Buffer, modified: Date): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, bytes);
  await utimes(file, modified, modified);
}

function shots(now: Date): Shot[] {
  return ALBUMS.flatMap((album, index) =>
    Array.from({ length: album.shots }, (_, shot) => ({
      path: `${album.folder}/IMG_${String(index * 100 + shot + 1).padStart(4, '0')}.jpg`,
      taken: new Date(now.getTime() - (60 - index * 20) * DAY + shot * 1_740_000),
      camera: CAMERAS[index % CAMERAS.length] ?? { make: 'Canon', model: 'EOS R6' },
      place: album.place,
      hue: (index * 97 + shot * 31) % 360,
    })),
  );
}

/** Twenty photos and three mails below `folder`. Answers how many files. */
export async function makeLibrary(folder: string, now: Date): Promise<number> {
  const all = shots(now);
  for (const shot of all) await put(join(folder, shot.path), await photo(shot), shot.taken);
  const mails = [
    mail(
      'Bruno <bruno@example.org>',
      'The flat',
      new Date(now.getTime() - 9 * DAY),
      'The keys are with the neighbour.',
    ),
    mail(
      'Archive <no-reply@example.com>',
      'Your invoice 2026-11',
      new Date(now.getTime() - 5 * DAY),
      'Total: 12.00 EUR',
    ),
    mail(
      'Mei <mei@example.net>',
      'Photos!',
      new Date(now.getTime() - 2 * DAY),
      'They are in the shared folder. 楽しかったね！',
    ),
  ];
  for (const [index, text] of mails.entries()) {
    const modified = new Date(now.getTime() - (9 - index * 3) * DAY);
    await put(join(folder, 'Mail', `${index + 1}.eml`), text, modified);
  }
  return all.length + mails.length;
}

/** What may happen on any day: one photo edited, two deleted by mistake, two new ones. */
export async function changeLibrary(
  folder: string,
  now: Date,
): Promise<{ edited: string; deleted: string[]; added: string[] }> {
  const all = shots(now);
  const [edited, ...others] = all;
  const deleted = others.slice(0, 2).map((shot) => shot.path);
  if (!edited) throw new Error('The library is empty.');
  await put(join(folder, edited.path), await photo({ ...edited, hue: (edited.hue + 180) % 360 }), now);
  for (const path of deleted) await rm(join(folder, path));
  const added = ['Photos/2026/Lisbon/IMG_9001.jpg', 'Photos/2026/Lisbon/IMG_9002.jpg'];
  for (const [index, path] of added.entries()) {
    await put(join(folder, path), await photo({ ...edited, taken: now, hue: 300 + index * 20 }), now);
  }
  return { edited: edited.path, deleted, added };
}
