import { notices as english, type NoticeWords } from "./en.notices.ts";
import { words } from "./language.ts";

/** As in language.ts. */
const OTHERS: Readonly<Record<string, () => Promise<NoticeWords>>> = {
  "en-XA": () => import("./pseudo.ts").then(({ accented }) => accented(english)),
  "ar-XB": () => import("./pseudo.ts").then(({ mirrored }) => mirrored(english)),
};

const loading = OTHERS[words.language.tag]?.().catch(() => english);

/** What notices say, in the reader's language. */
export const notices: NoticeWords = loading ? await loading : english;
