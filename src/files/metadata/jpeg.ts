import { begins, EXIF, exifOf, orientationOf } from "./exif.ts";
import type { Scan, Steps } from "./steps.ts";

const [SOI, EOI, SOS] = [0xd8, 0xd9, 0xda];
const [APP0, APP1, APP2, APP14] = [0xe0, 0xe1, 0xe2, 0xee];
const JFIF = "JFIF\0";
const ICC = "ICC_PROFILE\0";
const ADOBE = "Adobe";
/** The length of a JFIF segment's content without a thumbnail. */
const JFIF_LENGTH = 14;

const isRestart = (marker: number) => marker >= 0xd0 && marker <= 0xd7;
/** Frames, tables and scans: what a decoder needs. */
const isNeeded = (marker: number) => (marker >= 0xc0 && marker <= 0xcf) || (marker >= 0xda && marker <= 0xdf);

/** Walks over compressed data, or what else is between two segments. */
const toMarker: Scan = (bytes, from) => {
  let at = bytes.indexOf(0xff, from);
  while (at !== -1 && at + 1 < bytes.length) {
    const marker = bytes[at + 1] as number;
    if (marker === 0xff) at++;
    else if (marker === 0 || isRestart(marker)) at = bytes.indexOf(0xff, at + 2);
    else return { at, done: true };
  }
  return { at: at === -1 ? bytes.length : at, done: false };
};

const segment = (marker: number, content: Uint8Array): Uint8Array =>
  Buffer.concat([
    Buffer.from([0xff, marker, (content.length + 2) >> 8, (content.length + 2) & 0xff]),
    content,
  ]);

/** JPEG (ITU T.81): keeps what a decoder needs, the colour profile and the orientation. */
export function* jpeg(): Steps {
  yield { pass: 2 };
  let isTurned = false;
  for (;;) {
    yield { scan: toMarker, keep: false };
    const head = yield { peek: 4 };
    if (head.length < 2) return true;
    const marker = head[1] as number;
    if (marker === EOI) {
      yield { pass: 2 };
      return true;
    }
    if (marker === SOI || marker === 0x01) {
      yield { drop: 2 };
      continue;
    }
    if (head.length < 4) return true;
    const length = ((head[2] as number) << 8) | (head[3] as number);
    if (length < 2) return false;
    if (isNeeded(marker)) {
      yield { pass: 2 + length };
      if (marker === SOS) yield { scan: toMarker, keep: true };
      continue;
    }
    const content = (yield { peek: 2 + length }).subarray(4);
    if (
      (marker === APP2 && begins(content, ICC)) ||
      (marker === APP14 && begins(content, ADOBE)) ||
      (marker === APP0 && begins(content, JFIF) && content.length === JFIF_LENGTH)
    ) {
      yield { pass: 2 + length };
      continue;
    }
    yield { drop: 2 + length };
    if (marker === APP0 && begins(content, JFIF) && content.length > JFIF_LENGTH) {
      const bare = Buffer.from(content.subarray(0, JFIF_LENGTH));
      bare.fill(0, 12); // the thumbnail's width and height
      yield { put: segment(APP0, bare) };
    }
    if (marker === APP1 && begins(content, EXIF.toString("latin1")) && !isTurned) {
      const orientation = orientationOf(content.subarray(EXIF.length));
      if (orientation === 1) continue;
      isTurned = true;
      yield { put: segment(APP1, Buffer.concat([EXIF, exifOf(orientation)])) };
    }
  }
}
