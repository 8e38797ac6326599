import * as v from "valibot";

/** Longer than any emoji there is, in UTF-16 units; bounds the work on hostile input. */
const LONGEST = 64;
/** One recommended emoji (UTS #51: flags, skin tones, keycaps and joined ones among them), or one picture without its selector. */
const EMOJI = /^(?:\p{RGI_Emoji}|\p{Extended_Pictographic}\u{FE0F}?)$/v;
const RECOMMENDED = /^\p{RGI_Emoji}$/v;
const SELECTOR = "\u{FE0F}";

const graphemes = new Intl.Segmenter("und", { granularity: "grapheme" });

const isOne = (text: string) =>
  text.length <= LONGEST && EMOJI.test(text) && [...graphemes.segment(text)].length === 1;

/** One emoji, in its one spelling: ❤ with and without its variation selector is the same reaction. */
export const emoji = v.pipe(
  v.string("must be a string"),
  v.metadata({ description: "One emoji.", minLength: 1, maxLength: LONGEST }),
  v.check(isOne, "must be one emoji"),
  v.transform((text) =>
    !RECOMMENDED.test(text) && RECOMMENDED.test(text + SELECTOR) ? text + SELECTOR : text,
  ),
);
