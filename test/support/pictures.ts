import { deflateSync } from "node:zlib";

/** A part of a PNG file. */
export function chunk(type: string, content: Uint8Array): Buffer {
  const framed = Buffer.concat([Buffer.alloc(4), Buffer.from(type, "latin1"), content, Buffer.alloc(4)]);
  framed.writeUInt32BE(content.length, 0);
  framed.writeUInt32BE(Bun.hash.crc32(framed.subarray(4, 8 + content.length)), 8 + content.length);
  return framed;
}

/** A PNG of one colour. With `content` it claims this size, whatever is in it. */
export function png(width: number, height: number, content?: Uint8Array): Buffer<ArrayBuffer> {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8);
  const pixels = content ?? deflateSync(Buffer.alloc((width * 3 + 1) * height, 0));
  const signature = Buffer.from("89504e470d0a1a0a", "hex");
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("IDAT", pixels),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** A JPEG whose EXIF data turns it by a quarter, and says where it was taken. */
export async function sidewaysJpeg(width: number, height: number): Promise<Buffer<ArrayBuffer>> {
  const plain = Buffer.from(await new Bun.Image(png(width, height)).jpeg({ quality: 80 }).bytes());
  const directory = Buffer.from("4d4d002a00000008000101120003000000010006000000000000", "hex");
  const exif = Buffer.concat([Buffer.from("Exif\0\0", "latin1"), directory, Buffer.from("SECRETPLACE")]);
  const marker = Buffer.from([0xff, 0xe1, (exif.length + 2) >> 8, (exif.length + 2) & 255]);
  return Buffer.concat([plain.subarray(0, 2), marker, exif, plain.subarray(2)]);
}

type Part = readonly [type: string, content: Uint8Array];

/** A WebP file of these parts. */
export function riff(...parts: readonly Part[]): Buffer<ArrayBuffer> {
  const framed = parts.map(([type, content]) => {
    const head = Buffer.from(`${type}....`, "latin1");
    head.writeUInt32LE(content.length, 4);
    return Buffer.concat([head, content, Buffer.alloc(content.length & 1)]);
  });
  const whole = Buffer.concat([Buffer.from("RIFF....WEBP", "latin1"), ...framed]);
  whole.writeUInt32LE(whole.length - 8, 4);
  return whole;
}

/** The parts of a WebP file. */
export function webp(bytes: Uint8Array): Part[] {
  const parts: Part[] = [];
  const file = Buffer.from(bytes);
  for (let at = 12; at < file.length;) {
    const length = file.readUInt32LE(at + 4);
    parts.push([file.toString("latin1", at, at + 4), file.subarray(at + 8, at + 8 + length)]);
    at += 8 + length + (length & 1);
  }
  return parts;
}

/** A GIF of one pixel, with these extensions. */
export const gif = (...extensions: readonly Uint8Array[]): Buffer<ArrayBuffer> =>
  Buffer.concat([
    Buffer.from("GIF89a\x01\0\x01\0\x80\0\0\xff\0\0\0\0\xff", "latin1"),
    ...extensions,
    Buffer.from([0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0, 0x3b]),
  ]);
