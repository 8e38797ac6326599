import { isPicture, typeOf } from "./kinds.ts";
import { gif } from "./metadata/gif.ts";
import { jpeg } from "./metadata/jpeg.ts";
import { png } from "./metadata/png.ts";
import { filtered, type Steps } from "./metadata/steps.ts";
import { webp } from "./metadata/webp.ts";

/** As many bytes as tell the kinds of pictures apart. */
const TOLD = 12;

const READERS: Readonly<Record<string, () => Steps>> = {
  "image/jpeg": jpeg,
  "image/png": png,
  "image/webp": webp,
  "image/gif": gif,
};

/**
 * Yields a file as it arrives, and a picture without what its camera and programs wrote into it: EXIF, XMP, IPTC, comments,
 * thumbnails, and what follows its end. Its pixels, colour profile and orientation stay, bit for bit. Other files pass as they are.
 * Calls `misread` if a file begins like a picture and then is none that we can read: from there on it passes as it is.
 */
export const withoutMetadata = (
  parts: AsyncIterable<Uint8Array>,
  misread: () => void,
): AsyncGenerator<Uint8Array> => filtered(parts, reader(), misread);

function* reader(): Steps {
  const type = typeOf(yield { peek: TOLD });
  const read = isPicture(type) ? READERS[type] : undefined;
  if (read) return yield* read();
  yield { pass: Number.POSITIVE_INFINITY };
  return true;
}
