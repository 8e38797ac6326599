import { begins, EXIF, EXIF_MAX, exifOf, orientationOf } from "./exif.ts";
import type { Steps } from "./steps.ts";

const KEPT = new Set(["VP8 ", "VP8L", "ALPH", "ANIM", "ICCP"]);
/** In the flags of the extended format: there is a chunk of XMP. */
const HAS_XMP = 0x04;
/** The length of a frame's description, which comes before its chunks. */
const FRAME = 16;

/**
 * WebP (RFC 9649): keeps what a decoder needs, the colour profile and the orientation. The file begins with its length, so metadata
 * are replaced by zeros.
 */
export function* webp(): Steps {
  const riff = Buffer.from(yield { take: 12 });
  yield { put: riff };
  let left = riff.readUInt32LE(4) - 4;
  while (left >= 8) {
    const head = Buffer.from(yield { peek: 8 });
    if (head.length < 8) return true;
    const [type, length] = [head.toString("latin1", 0, 4), head.readUInt32LE(4)];
    const padded = Math.min(length + (length & 1), left - 8);
    if (length > padded) return false;
    left -= 8 + padded;
    if (KEPT.has(type)) yield { pass: 8 + padded };
    else if (type === "ANMF" && length >= FRAME) {
      yield { pass: 8 + FRAME };
      left += padded - FRAME; // its chunks are read like others
    } else if (type === "VP8X" && length > 0) {
      yield { pass: 8 };
      const [flags = 0] = yield { take: 1 };
      yield { put: new Uint8Array([flags & ~HAS_XMP]) };
      yield { pass: padded - 1 };
    } else if (type === "EXIF" && length <= EXIF_MAX) {
      yield { pass: 8 };
      const found = yield { take: padded };
      const isPrefixed = begins(found, EXIF.toString("latin1"));
      const bare = exifOf(orientationOf(isPrefixed ? found.subarray(EXIF.length) : found));
      const blank = new Uint8Array(found.length);
      if (bare.length <= blank.length) blank.set(bare);
      yield { put: blank };
    } else {
      yield { drop: 8 };
      yield { put: Buffer.concat([Buffer.from("JUNK"), head.subarray(4)]) };
      yield { blank: padded };
    }
  }
  return true;
}
