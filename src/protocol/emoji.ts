import * as v from "valibot";

/** Longer than any existing emoji, in UTF-16 units. Bounds the work on hostile input. */
const LONGEST = 64;
/** One emoji recommended by UTS #51, fully qualified: flags, skin tones, keycaps and ZWJ sequences included. */
const RECOMMENDED = /^\p{RGI_Emoji}$/v;
/** One pictograph that Unicode recommends no emoji for. */
const PICTOGRAPH = /^\p{Extended_Pictographic}\u{FE0F}?$/u;

/** A variation selector, which senders add and omit as they please. */
const SELECTOR = /\u{FE0F}/gu;
/** A character that is shown as text unless a selector or a skin tone follows it. */
const TEXT_BY_DEFAULT = /(?!\p{Emoji_Presentation})\p{Emoji}(?!\p{Emoji_Modifier})/gu;

/** Returns the fully qualified spelling of an emoji (UTS #51, ED-18a): ❤ and ❤️ are the same reaction. */
function qualified(text: string): string {
  const full = text.replace(SELECTOR, "").replace(TEXT_BY_DEFAULT, "$&\u{FE0F}");
  return RECOMMENDED.test(full) ? full : text;
}

const isOne = (text: string) => RECOMMENDED.test(text) || PICTOGRAPH.test(text);

/** Schema for one emoji, in its fully qualified spelling. */
export const emoji = v.pipe(
  v.string("must be a string"),
  v.metadata({ description: "One emoji.", minLength: 1, maxLength: LONGEST }),
  v.rawTransform(({ dataset: { value }, addIssue, NEVER }) => {
    const full = value.length <= LONGEST ? qualified(value) : "";
    if (isOne(full)) return full;
    addIssue({ message: "must be a single emoji" });
    return NEVER;
  }),
);
