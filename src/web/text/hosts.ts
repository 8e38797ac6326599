/** Scripts in modern use (UAX #31, table 5). Others are rare enough to show as they are registered. */
const SCRIPTS = [
  "Latin",
  "Cyrillic",
  "Greek",
  "Armenian",
  "Georgian",
  "Hebrew",
  "Arabic",
  "Devanagari",
  "Bengali",
  "Gurmukhi",
  "Gujarati",
  "Oriya",
  "Tamil",
  "Telugu",
  "Kannada",
  "Malayalam",
  "Sinhala",
  "Thai",
  "Lao",
  "Tibetan",
  "Myanmar",
  "Khmer",
  "Ethiopic",
  "Hangul",
  "Han Hira Kana",
];
const scriptsOf = (names: string) => names.replace(/\w+/g, "\\p{scx=$&}").replaceAll(" ", "");
/** A label in letters of one script. */
const PURE = new RegExp(
  SCRIPTS.map((names) => `^(?=.*\\p{L})(?:[${scriptsOf(names)}\\d-]|(?<=\\p{L})\\p{M})+$`).join("|"),
  "u",
);
/** Letters that can stand for Latin ones, by which a whole word can be written in another script. */
const LIKE_LATIN = /^[аысԁеԍһіюјӏорԗԛѕԝхуъьҽпгѵѡαικνρυωηοτագզէլհյոսւօიოყძხჽჿ\d-]+$/u;
/** Latin letters that look like others, and marks that an underline hides. */
const DISGUISED = /[ıĸſŀŉƀ-ƟƢ-Ʈƻ-ɏɐ-ʯᴀ-ᶿⱠ-ⱿꜢ-ꟿ\u{323}-\u{326}\u{329}-\u{338}]/u;

/**
 * Returns a host as it is registered (in punycode) if what is written could pass for another one, because a label mixes
 * scripts or consists of letters that look like Latin ones. Returns undefined if what is written is clear: münchen.de.
 */
export function disguisedHost(written: string, registered: string): string | undefined {
  const name = written.toLowerCase();
  if (name === registered) return undefined;
  const composed = name.normalize("NFC");
  const clear = composed === composed.normalize("NFKC") && composed.split(".").every(isClear);
  return clear && /[^\x00-\x7f]/.test(name) ? undefined : registered;
}

const isClear = (label: string) =>
  /^[a-z\d-]*$/.test(label) ||
  (PURE.test(label) && !LIKE_LATIN.test(label) && !DISGUISED.test(label.normalize("NFD")));
