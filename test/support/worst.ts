/** Texts on which matching, normalising, folding or parsing is known to take more than linear time. */
const PARTS: Readonly<Record<string, readonly [head: string, ...repeated: string[]]>> = {
  "combining marks in the wrong order": ["a", "\u0301", "\u0323"],
  "alternating combining marks": ["a", "\u0301\u0323"],
  "letters with four marks each": ["", "a\u0301\u0323\u0302\u0331"],
  "closing brackets behind an address": ["http://a", ")"],
  "brackets and stops behind an address": ["http://a", ").", "(!"],
  "an address of addresses": ["", "http://"],
  "short addresses": ["", "http://a.b "],
  "a host of combining marks": ["http://a", "\u0301", "\u0323"],
  "a host of labels": ["http://", "a."],
  "lone surrogates": ["", "\ud83d"],
  emoji: ["", "😀"],
  "joined emoji": ["", "👩\u200d"],
  "halves of flags": ["", "🇩"],
  "letters that joiners follow": ["", "\u0644\u200c"],
  "signs that joiners follow": ["", "\u0dc1\u0dca\u200d"],
  "letters that become many": ["", "\ufdfa"],
  "letters that grow in lower case": ["", "\u0130"],
  "parts of syllables": ["", "\u1112\u1161\u11ab"],
  "invisible characters": ["", "\u200b"],
  fillers: ["", "\u3164"],
  spaces: ["a", " "],
  "line breaks": ["a", "\n"],
  digits: ["", "1"],
  dots: ["a", "."],
  commas: ["a", ","],
  "commas and spaces": ["a", " ,"],
  hyphens: ["a", "-"],
  stars: ["a", "*a"],
  "percent signs": ["", "%"],
  "percent escapes": ["", "%cc%81"],
  "colons and digits": ["", ":1"],
  "opening brackets": ["", "["],
  braces: ["", '{"":'],
  quotes: ["", '\\"'],
  "names of fields": ["{", '"__proto__":{},'],
  "at signs": ["a", "@"],
  "addresses of email": ["a@", "a-a."],
  "repeated prefixes": ["", "Bearer "],
  "repeated parameters": ["?", "a&"],
  NUL: ["", "\0"],
};

/** Returns the worst texts of a length in UTF-16 units, by name. */
export const worstTexts = (length: number): [name: string, text: string][] =>
  Object.entries(PARTS).map(([name, [head, ...repeated]]) => {
    const share = Math.ceil((length - head.length) / repeated.length);
    const parts = repeated.map((part) => part.repeat(Math.ceil(share / part.length)).slice(0, share));
    return [name, (head + parts.join("")).slice(0, length)];
  });
