import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { photo } from '../../src/demo/library.ts';
import { MOST_SHOWN, openSheet } from '../../src/engine/backup/contact-sheet.ts';

type Colour = { r: number; g: number; b: number };
const RED = { r: 220, g: 20, b: 20 };
const BLUE = { r: 20, g: 20, b: 220 };

const plain = (width: number, height: number, background: Colour) =>
  sharp({ create: { width, height, channels: 3, background } });

const shot = (hue: number): Promise<Buffer> =>
  photo({
    taken: new Date('2026-05-01T10:00:00Z'),
    camera: { make: 'Apple', model: 'iPhone 15' },
    place: { latitude: 38.7139, longitude: -9.1334 },
    hue,
  });

async function sheetOf(photos: readonly Uint8Array[]) {
  const sheet = await openSheet();
  const taken: boolean[] = [];
  for (const each of photos) taken.push(await sheet.add(each));
  return { taken, made: await sheet.finish() };
}

/** Mean colour of a part of the sheet. */
async function colourAt(jpeg: Uint8Array, left: number, top: number): Promise<Colour> {
  const part = await sharp(jpeg).extract({ left, top, width: 10, height: 10 }).raw().toBuffer();
  const mean = (channel: number): number =>
    part.filter((_, index) => index % 3 === channel).reduce((sum, value) => sum + value, 0) / 100;
  return { r: mean(0), g: mean(1), b: mean(2) };
}

describe('a contact sheet', () => {
  it.each([
    [1, 320],
    [2, 200],
    [3, 150],
    [4, 136],
    // Two rows: three and two.
    [5, 150 + 8 + 200],
    [12, 3 * 136 + 2 * 8],
  ])('of %i photos is 568 px wide and full to its edges', async (count, height) => {
    const photos = await Promise.all(Array.from({ length: count }, () => plain(90, 60, RED).jpeg().toBuffer()));
    const { made } = await sheetOf(photos);
    expect(made?.shown).toBe(count);
    const jpeg = made?.jpeg ?? new Uint8Array();
    expect(await sharp(jpeg).metadata()).toMatchObject({ format: 'jpeg', width: 568, height });
    expect((await colourAt(jpeg, 555, height - 12)).r).toBeGreaterThan(180);
    expect((await colourAt(jpeg, 555, height - 12)).b).toBeLessThan(80);
  });

  it('takes all formats that cameras, telephones and the web make', async () => {
    const picture = () => plain(400, 300, BLUE);
    const photos = await Promise.all([
      picture().jpeg().toBuffer(),
      picture().jpeg({ progressive: true }).toBuffer(),
      picture().toColourspace('cmyk').jpeg().toBuffer(),
      picture().png().toBuffer(),
      picture().png({ palette: true }).toBuffer(),
      picture().webp().toBuffer(),
      picture().gif().toBuffer(),
      picture().tiff().toBuffer(),
      picture().avif({ effort: 0 }).toBuffer(),
      picture().greyscale().jpeg().toBuffer(),
    ]);
    expect((await sheetOf(photos)).taken).toEqual(photos.map(() => true));
  });

  it('shows a photo upright, as its camera was held', async () => {
    // Left half red, right half blue; orientation 6: to be turned a quarter clockwise, so red comes to the top.
    const lying = await plain(600, 400, RED)
      .composite([{ input: await plain(300, 400, BLUE).png().toBuffer(), left: 300, top: 0 }])
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer();
    const { made } = await sheetOf([lying, lying, lying, lying]);
    const jpeg = made?.jpeg ?? new Uint8Array();
    expect((await colourAt(jpeg, 60, 4)).r).toBeGreaterThan(150);
    expect((await colourAt(jpeg, 60, 122)).b).toBeGreaterThan(150);
  });

  it('holds nothing of what the camera wrote into the photo: no place, no date', async () => {
    const photos = await Promise.all([10, 80, 200].map(shot));
    expect((await sharp(photos[0]).metadata()).exif?.length).toBeGreaterThan(50);
    const { made } = await sheetOf(photos);
    const { exif, icc, xmp, iptc } = await sharp(made?.jpeg).metadata();
    expect({ exif, icc, xmp, iptc }).toEqual({ exif: undefined, icc: undefined, xmp: undefined, iptc: undefined });
    expect(Buffer.from(made?.jpeg ?? []).includes('iPhone')).toBe(false);
  });

  it('leaves out what is broken and what is none, and shows the rest', async () => {
    const good = await shot(120);
    const { taken, made } = await sheetOf([
      new Uint8Array(),
      Buffer.from('IMG_2041, but it is a text'),
      Buffer.concat([good.subarray(0, 20), Buffer.alloc(4_000, 7)]),
      good,
    ]);
    expect(taken).toEqual([false, false, false, true]);
    expect(made?.shown).toBe(1);
    expect((await sheetOf([Buffer.from('no photo')])).made).toBeUndefined();
  });

  it('shows a photo that was cut off as far as it goes', async () => {
    const good = await shot(120);
    expect((await sheetOf([good.subarray(0, Math.floor(good.length * 0.6))])).taken).toEqual([true]);
  });

  it('never opens what is a program rather than a picture, whatever it is called', async () => {
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="60"><rect width="90" height="60"/></svg>';
    expect((await sharp(Buffer.from(svg)).png().toBuffer()).length).toBeGreaterThan(0);
    const { taken } = await sheetOf([Buffer.from(svg), Buffer.from(`<?xml version="1.0"?>\n${svg}`)]);
    expect(taken).toEqual([false, false]);
  });

  it('refuses decompression bombs, and memory stays where it was', { timeout: 60_000 }, async () => {
    const bomb = await sharp({
      create: { width: 20_000, height: 20_000, channels: 3, background: RED },
      limitInputPixels: false,
    })
      .png({ compressionLevel: 9 })
      .toBuffer();
    expect(bomb.length).toBeLessThan(3_000_000);
    const good = await shot(40);
    await sheetOf([good]);
    const before = process.memoryUsage.rss();
    const { taken, made } = await sheetOf([bomb, bomb, bomb, good]);
    expect(taken).toEqual([false, false, false, true]);
    expect(made?.shown).toBe(1);
    // One of them would take 1.2 GB.
    expect(process.memoryUsage.rss() - before).toBeLessThan(150_000_000);
  });

  it('of the largest photos that are taken holds one at a time', { timeout: 60_000 }, async () => {
    const large = await sharp({ create: { width: 8_000, height: 6_000, channels: 3, background: BLUE } })
      .jpeg()
      .toBuffer();
    const before = process.memoryUsage.rss();
    const { made } = await sheetOf(Array.from({ length: MOST_SHOWN }, () => large));
    expect(made?.shown).toBe(MOST_SHOWN);
    // Twelve decoded at once would be 1.7 GB.
    expect(process.memoryUsage.rss() - before).toBeLessThan(300_000_000);
  });

  it('is at most 150 KB, of whatever', async () => {
    const noise = await sharp({
      create: {
        width: 600,
        height: 600,
        channels: 3,
        background: RED,
        noise: { type: 'gaussian', mean: 128, sigma: 90 },
      },
    })
      .jpeg({ quality: 95 })
      .toBuffer();
    const { made } = await sheetOf(Array.from({ length: MOST_SHOWN }, () => noise));
    expect(made?.shown).toBe(MOST_SHOWN);
    expect(made?.jpeg.byteLength).toBeLessThanOrEqual(150_000);
  });

  it('knows by name what it cannot decode, so that it is not read in vain', async () => {
    const { decodes } = await openSheet();
    expect(['a/IMG_1.JPG', 'a.png', 'a.avif'].map(decodes)).toEqual([true, true, true]);
    const heic = sharp.format.heif.input.fileSuffix?.includes('.heic') ?? false;
    expect(decodes('IMG_2041.HEIC')).toBe(heic);
  });
});
