import { EXIF_MAX, exifOf, orientationOf } from "./exif.ts";
import type { Steps } from "./steps.ts";

/** What decoders need, animations included, and what tells how to show the colours. */
const KEPT = new Set(
  [
    "IHDR PLTE IDAT IEND tRNS",
    "acTL fcTL fdAT",
    "gAMA cHRM sRGB iCCP sBIT cICP mDCV cLLI bKGD hIST pHYs",
  ].flatMap((names) => names.split(" ")),
);

/** A part of a PNG file, with its checksum. */
function chunk(type: string, content: Uint8Array): Uint8Array {
  const framed = Buffer.concat([Buffer.alloc(4), Buffer.from(type, "latin1"), content, Buffer.alloc(4)]);
  framed.writeUInt32BE(content.length, 0);
  framed.writeUInt32BE(Bun.hash.crc32(framed.subarray(4, -4)), framed.length - 4);
  return framed;
}

/** PNG (third edition): keeps what a decoder needs, the colours and the orientation. */
export function* png(): Steps {
  yield { pass: 8 };
  for (;;) {
    const head = Buffer.from(yield { peek: 8 });
    if (head.length < 8) return true;
    const [length, type] = [head.readUInt32BE(0), head.toString("latin1", 4, 8)];
    // Besides the length: the length itself, the type and the checksum.
    const whole = length + 12;
    if (KEPT.has(type)) {
      yield { pass: whole };
      if (type === "IEND") return true;
    } else if (type === "eXIf" && length <= EXIF_MAX) {
      const orientation = orientationOf((yield { take: whole }).subarray(8));
      if (orientation !== 1) yield { put: chunk("eXIf", exifOf(orientation)) };
    } else if (/^[a-z][A-Za-z]{3}$/.test(type)) yield { drop: whole };
    else return false;
  }
}
