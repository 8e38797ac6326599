import * as v from "valibot";
import { ALT_MAX, FILE_NAME_MAX, FILES_MAX } from "./filelimits.ts";
import { line } from "./text.ts";
import { uuid } from "./values.ts";

export { ALT_MAX, FILES_MAX, FILE_NAME_MAX };

/** The forms in which a file is offered: as it was uploaded and, for pictures, re-encoded in two sizes. */
export const VARIANTS = ["original", "preview", "large"] as const;
export type Variant = (typeof VARIANTS)[number];

/** The files of a new message, in the order in which they are shown. */
export const attachments = v.pipe(
  v.array(
    v.strictObject({
      id: v.pipe(uuid, v.description("The id that the upload returned.")),
      alt: v.pipe(
        v.optional(line({ max: ALT_MAX })),
        v.description("What it shows, for people who do not see it."),
      ),
    }),
    "must be a list",
  ),
  v.minLength(1, "must not be empty"),
  v.maxLength(FILES_MAX, `must have at most ${FILES_MAX} files`),
  v.check((files) => new Set(files.map(({ id }) => id)).size === files.length, "must name each file once"),
);

const size = v.pipe(v.number(), v.integer(), v.minValue(0));
const pixels = v.pipe(v.number(), v.integer(), v.minValue(1));

/** What is known about a file before it is loaded. Fields without a value are omitted. */
export const file = {
  id: v.pipe(v.string(), v.uuid()),
  name: v.string(),
  type: v.pipe(v.string(), v.description("Its media type, by its content.")),
  size: v.pipe(size, v.description("In bytes.")),
  width: v.pipe(
    v.optional(pixels),
    v.description("In pixels, as it is shown. Only pictures that have a preview have a width and a height."),
  ),
  height: v.optional(pixels),
  placeholder: v.pipe(
    v.optional(v.string()),
    v.description("A tiny, blurred version of the picture, as a data: URL."),
  ),
  alt: v.optional(v.string()),
};
