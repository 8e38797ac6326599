import { createPlaces } from "../limits/places.ts";
import { HEAD, typeOf } from "./kinds.ts";
import type { Picture } from "./ports.ts";

/** The largest picture that gets a preview, as a file in bytes and in pixels: decoded, each pixel takes four bytes. */
export const PICTURE_MAX = 40 * 1024 * 1024;
const PIXELS_MAX = 50e6;
/** The longer side of the re-encoded forms, in pixels. */
const PREVIEW = 720;
const LARGE = 2048;
const JPEG = "image/jpeg";
const QUALITY = 82;
/** The large form of a JPEG is a JPEG: encoding it as WebP would take four times as long. It has no transparency to keep. */
const JPEG_QUALITY = 86;
/** Longer ones would weigh on every message, in characters. */
const PLACEHOLDER_MAX = 600;
/** Pictures of one person that may wait. They wait for each other, and then for those of others. */
const WAITING = { each: 1, waiting: 50 } as const;
/** Pictures that are decoded at the same time, and how many may wait for that. */
const DECODING = { each: 1, waiting: 1_000 } as const;

/** The media type of a form that was encoded here, of a picture of this type. */
export const encodedType = (type: string, variant: string) =>
  variant === "large" && type === JPEG ? JPEG : "image/webp";

export interface Previews extends Picture {
  readonly preview: Uint8Array;
  /** Undefined if the preview is as large as the picture. */
  readonly large: Uint8Array | undefined;
}

/** Re-encodes pictures, off the event loop. */
export interface Pictures {
  /** Returns the forms in which a picture may be shown, without its metadata; undefined if it cannot be decoded. */
  previews(userId: number, read: () => Promise<Uint8Array<ArrayBuffer>>): Promise<Previews | undefined>;
}

export function createPictures(): Pictures {
  const people = createPlaces(WAITING);
  const decoders = createPlaces(DECODING);
  return {
    previews: (userId, read) =>
      people.run(userId, () => decoders.run(0, async () => previewsOf(await read()).catch(() => undefined))),
  };
}

async function previewsOf(bytes: Uint8Array<ArrayBuffer>): Promise<Previews> {
  const type = typeOf(bytes.subarray(0, HEAD));
  const shrunk = (from: Uint8Array<ArrayBuffer>, variant: "preview" | "large") => {
    const side = variant === "large" ? LARGE : PREVIEW;
    const small = new Bun.Image(from, { maxPixels: PIXELS_MAX }).resize(side, side, {
      fit: "inside",
      withoutEnlargement: true,
    });
    const encoded =
      encodedType(type, variant) === JPEG
        ? small.jpeg({ quality: JPEG_QUALITY })
        : small.webp({ quality: QUALITY });
    return encoded.bytes() as Promise<Uint8Array<ArrayBuffer>>;
  };
  const { width, height } = await new Bun.Image(bytes, { maxPixels: PIXELS_MAX }).metadata();
  const isSmall = Math.max(width, height) <= PREVIEW;
  const large = isSmall ? undefined : await shrunk(bytes, "large");
  const preview = await shrunk(large ?? bytes, "preview");
  const placeholder = await new Bun.Image(preview).placeholder();
  return {
    width,
    height,
    placeholder: placeholder.length > PLACEHOLDER_MAX ? null : placeholder,
    preview,
    large,
  };
}
