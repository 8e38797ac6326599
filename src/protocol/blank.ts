/**
 * Code points that show nothing, as part of a character class: those that Unicode ignores by default (UAX #44), and those
 * that are blank by design: the braille pattern without dots, annotation marks, controls and blanks of hieroglyphs, a
 * filler of Khitan, a null notehead.
 */
export const UNSEEN =
  "\\p{Default_Ignorable_Code_Point}\\u{2800}\\u{FFF9}-\\u{FFFB}\\u{13430}-\\u{13442}\\u{16FE4}\\u{1D159}";

const VISIBLE = new RegExp(`[^\\s\\p{Cc}${UNSEEN}]`, "u");

/** Whether a text shows nothing: it has only white space, controls, and characters that cannot be seen. */
export const isBlank = (value: string): boolean => !VISIBLE.test(value);
