import list from "./common-passwords.txt" with { type: "text" };

/** Fewer different characters than this make a password too simple. */
const DISTINCT_MIN = 4;

let common: ReadonlySet<string> | undefined;
const isCommon = (text: string) => (common ??= new Set(list.trim().split("\n"))).has(text);

/**
 * Returns what is wrong with a new password, worded to follow its field's name, or undefined. It must not be simple, one
 * of the 18,000 most common, or the person's email address or name, whatever digits and signs are around it.
 * `password` is at most 256 characters in canonical form: see passwords.ts.
 */
export function weaknessOf(password: string, email: string, username = ""): string | undefined {
  const text = password.toLowerCase();
  const stem = stemOf(text);
  const own = [email, email.slice(0, email.indexOf("@")), username, "parley"].map((name) =>
    name.toLowerCase(),
  );
  if (own.some((name) => name !== "" && (name === text || (stem !== "" && stemOf(name) === stem))))
    return "must not be your email address or your name";
  if (isSimple(text) || isCommon(text) || isCommon(stem))
    return "is easy to guess, because many people use it: choose another, such as a few words";
  return undefined;
}

/** Returns a text without the digits and signs around it. */
const stemOf = (text: string) => text.replace(/^\P{L}+/u, "").replace(/\P{L}+$/u, "");

/** Whether a text has few different characters, or only goes up or down, like `abcdefgh`. */
function isSimple(text: string): boolean {
  const codes = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  const steps = new Set(codes.slice(1).map((code, at) => code - (codes[at] ?? 0)));
  return new Set(codes).size < DISTINCT_MIN || steps.size === 1;
}
