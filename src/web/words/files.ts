import { files as english, type FileWords } from "./en.files.ts";
import { words } from "./language.ts";

/** As in language.ts. */
const OTHERS: Readonly<Record<string, () => Promise<FileWords>>> = {
  "en-XA": () => import("./pseudo.ts").then(({ accented }) => accented(english)),
  "ar-XB": () => import("./pseudo.ts").then(({ mirrored }) => mirrored(english)),
};

const loading = OTHERS[words.language.tag]?.().catch(() => english);

/** What is said about files, in the reader's language. */
export const fileWords: FileWords = loading ? await loading : english;
