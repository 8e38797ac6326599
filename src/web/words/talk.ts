import { talk as english, type TalkWords } from "./en.talk.ts";
import { words } from "./language.ts";

/** As in language.ts. */
const OTHERS: Readonly<Record<string, () => Promise<TalkWords>>> = {
  "en-XA": () => import("./pseudo.ts").then(({ accented }) => accented(english)),
  "ar-XB": () => import("./pseudo.ts").then(({ mirrored }) => mirrored(english)),
};

const loading = OTHERS[words.language.tag]?.().catch(() => english);

/** The words of conversations, in the reader's language. */
export const talkWords: TalkWords = loading ? await loading : english;
