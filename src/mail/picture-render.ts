/** How large a picture is, read from its first bytes, so that a mail keeps its place before it is shown. Pure. */

export interface PictureSize {
  /** Pixels. */
  width: number;
  height: number;
}

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** PNG (W3C) 5.2 and 11.2.1: eight fixed bytes, then the chunk IHDR. */
function pngSize(bytes: Uint8Array): PictureSize | undefined {
  const data = view(bytes);
  if (bytes.length < 24 || data.getUint32(0) !== 0x89504e47 || data.getUint32(12) !== 0x49484452) return undefined;
  return { width: data.getUint32(16), height: data.getUint32(20) };
}

/** ITU-T T.81 B.1 and B.2.2: segments with their lengths, up to a start of frame (C0 to CF without DHT, JPG and DAC). */
function jpegSize(bytes: Uint8Array): PictureSize | undefined {
  const data = view(bytes);
  if (bytes.length < 4 || data.getUint16(0) !== 0xffd8) return undefined;
  let at = 2;
  while (at + 9 <= bytes.length) {
    if (data.getUint8(at) !== 0xff) return undefined;
    const marker = data.getUint8(at + 1);
    // Fill bytes may stand before a marker.
    if (marker === 0xff) at += 1;
    else if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc)
      return { width: data.getUint16(at + 7), height: data.getUint16(at + 5) };
    else at += 2 + data.getUint16(at + 2);
  }
  return undefined;
}

/** Undefined for other formats and for bytes that are none. */
export function pictureSize(bytes: Uint8Array): PictureSize | undefined {
  const size = pngSize(bytes) ?? jpegSize(bytes);
  return size && size.width > 0 && size.height > 0 ? size : undefined;
}

/** Not wider than `most`, in the same shape. */
export function fitted({ width, height }: PictureSize, most: number): PictureSize {
  if (width <= most) return { width, height };
  return { width: most, height: Math.max(1, Math.round((height * most) / width)) };
}
