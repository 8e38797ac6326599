import * as v from "valibot";

/** Longer than any existing emoji, in UTF-16 units. Bounds the work on hostile input. */
const LONGEST = 64;
/**
 * One emoji recommended by UTS #51 (including flags, skin tones, keycaps and ZWJ sequences), or one
 * pictograph without its variation selector.
 */
const EMOJI = /^(?:\p{RGI_Emoji}|\p{Extended_Pictographic}\u{FE0F}?)$/v;
const RECOMMENDED = /^\p{RGI_Emoji}$/v;
const SELECTOR = "\u{FE0F}";

const graphemes = new Intl.Segmenter("und", { granularity: "grapheme" });

const isOne = (text: string) =>
  text.length <= LONGEST && EMOJI.test(text) && [...graphemes.segment(text)].length === 1;

/** Schema for one emoji, normalized: ❤ with and without its variation selector is the same reaction. */
export const emoji = v.pipe(
  v.string("must be a string"),
  v.metadata({ description: "One emoji.", minLength: 1, maxLength: LONGEST }),
  v.check(isOne, "must be a single emoji"),
  v.transform((text) =>
    !RECOMMENDED.test(text) && RECOMMENDED.test(text + SELECTOR) ? text + SELECTOR : text,
  ),
);
