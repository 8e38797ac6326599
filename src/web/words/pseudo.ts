import type { Words } from "./en.ts";

// Languages for tests, made from English. Every text is between ⟦ and ⟧, so that one that did not come from here is found.

const PLAIN = "AaBbCcDdEeFfGgHhIiJjKkLlMmNnOoPpRrSsTtUuVvWwXxYyZz";
const ACCENTED = [..."ÅåßƀÇçÐðÉéƑƒĞğĤĥÎîĴĵĶķĻļṀṁÑñÖöÞþŔŕŠšŢţÛûṼṽŴŵẊẋÝýŽž"];
const accents = new Map([...PLAIN].map((letter, at) => [letter, ACCENTED[at] ?? letter]));

/** Accented letters, and a third longer than English, like German. */
const accent = (text: string): string => {
  const letters = [...text].map((letter) => accents.get(letter) ?? letter).join("");
  return letters + "~".repeat(Math.ceil(text.length / 3)).replace(/.{5}(?=.)/g, "$& ");
};
/** Right to left, by an override of the direction of each letter. */
const mirror = (text: string): string => `\u{202e}${text}\u{202c}`;

export const accented = <T extends object>(words: T): T =>
  inLanguage(through(words, accent), { tag: "en-XA", dir: "ltr" });
export const mirrored = <T extends object>(words: T): T =>
  inLanguage(through(words, mirror), { tag: "ar-XB", dir: "rtl" });

const inLanguage = <T extends object>(words: T, language: Words["language"]): T =>
  "language" in words ? { ...words, language } : words;

/** Changes all texts in a value, and in what its functions return. */
function through<T>(value: T, change: (text: string) => string): T {
  const visit = (value: unknown): unknown => {
    if (typeof value === "string") return value === "" ? "" : `⟦${change(value)}⟧`;
    if (typeof value === "function")
      return (...given: unknown[]) => visitResult(value(...given), textsIn(given));
    if (Array.isArray(value)) return value.map(visit);
    if (value && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, visit(part)]));
    return value;
  };
  /** Names and other texts that were given to the function stay as they are. */
  const visitResult = (result: unknown, given: readonly string[]): unknown => {
    if (Array.isArray(result)) return result.map((part) => visitResult(part, given));
    if (typeof result !== "string" || result === "" || given.includes(result)) return result;
    const parts =
      given.length > 0 ? result.split(new RegExp(`(${given.map(RegExp.escape).join("|")})`)) : [result];
    return `⟦${parts.map((part, at) => (at % 2 === 1 ? part : part && change(part))).join("")}⟧`;
  };
  return visit(value) as T;
}

function textsIn(given: readonly unknown[]): string[] {
  return given
    .flatMap((one) => (Array.isArray(one) ? textsIn(one) : typeof one === "string" ? one : []))
    .filter((text) => text !== "")
    .toSorted((a, b) => b.length - a.length);
}
