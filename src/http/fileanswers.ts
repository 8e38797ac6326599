import * as v from "valibot";
import { file } from "../protocol/files.ts";
import { timestamp } from "../protocol/frames.ts";

// The contents of responses about files, for the document.

export const FILE = v.object({
  ...file,
  held: v.pipe(
    v.optional(v.literal(true)),
    v.description("It is still being scanned. Until that ends, sending it is refused with `file_held`."),
  ),
});
export const ADDRESSES = v.object({
  id: v.pipe(v.string(), v.uuid()),
  endsAt: v.pipe(timestamp, v.description("Until then anyone who has an address can load it.")),
  urls: v.pipe(
    v.object({ original: v.string(), preview: v.optional(v.string()), large: v.optional(v.string()) }),
    v.description(
      "Relative to this server, unless they name another origin. Pictures have a preview of at most 720 pixels, and larger ones a large form of at most 2,048.",
    ),
  ),
});
