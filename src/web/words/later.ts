import { later as english, type Later } from "./en.later.ts";
import { words } from "./language.ts";

/** As in language.ts. */
const OTHERS: Readonly<Record<string, () => Promise<Later>>> = {
  "en-XA": () => import("./pseudo.ts").then(({ accented }) => accented(english)),
  "ar-XB": () => import("./pseudo.ts").then(({ mirrored }) => mirrored(english)),
};

const loading = OTHERS[words.language.tag]?.().catch(() => english);

/** The words, in the reader's language, of parts that the page loads when they are first shown. */
export const later: Later = loading ? await loading : english;
