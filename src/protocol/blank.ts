/**
 * Everything but white space, controls, ignorable code points (UAX #44), and characters that are blank by
 * design: the braille pattern without dots, annotation marks, a null notehead, blank hieroglyphs.
 */
const VISIBLE =
  /[^\s\p{Cc}\p{Default_Ignorable_Code_Point}\u{2800}\u{FFF9}-\u{FFFB}\u{1D159}\u{13441}\u{13442}]/u;

/** Whether a text shows nothing. */
export const isBlank = (value: string): boolean => !VISIBLE.test(value);
