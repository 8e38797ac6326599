import { en, type Words } from "./en.ts";

/** The languages besides English. Each is a file of its own, which the page loads only if the browser asks for it. */
const OTHERS: Readonly<Record<string, () => Promise<Words>>> = {
  // Made from English: they show which texts cannot be translated, and which layouts cannot be mirrored.
  "en-XA": () => import("./pseudo.ts").then(({ accented }) => accented(en)),
  "ar-XB": () => import("./pseudo.ts").then(({ mirrored }) => mirrored(en)),
};

/** The words of the reader's language. Read them when they are shown: the language is known only after the start. */
export let words: Words = en;

/** Speaks the first of these languages that there is. If its file cannot be loaded, the page stays in English. */
export async function speak(wanted: readonly string[]): Promise<void> {
  for (const tag of wanted) {
    const [base = ""] = tag.split("-");
    const load = OTHERS[tag] ?? OTHERS[base];
    if (load) words = await load().catch(() => en);
    if (load || base === "en") return;
  }
}
