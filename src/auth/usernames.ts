import * as v from "valibot";
import { skeletonOf, skeletonsLike } from "../lookalikes.ts";
import { USERNAME_MAX } from "../protocol/limits.ts";
import { isPlain } from "../protocol/plain.ts";
import { normalized } from "../protocol/text.ts";

// Starts with a character that is visible on its own: no dot, and no mark, which would combine with the text
// before it. Does not end with a dot, which a sentence could have put there.
const USERNAME = /^[\p{L}\p{Nd}_-](?:[\p{L}\p{M}\p{Nd}_.\u200c\u200d-]*[\p{L}\p{M}\p{Nd}_-])?$/u;
const NOT_OF_A_USERNAME = /[^\p{L}\p{M}\p{Nd}_.\u200c\u200d-]/gu;
const SEPARATORS = /[_.-]/g;
const JOINERS = /[\u200c\u200d]/g;

/** Names that would speak for the server or for everyone, and names that look like them. Nobody can choose one. */
const RESERVED: ReadonlySet<string> = new Set(
  [
    "admin",
    "administrator",
    "everyone",
    "here",
    "moderator",
    "operator",
    "parley",
    "root",
    "security",
    "server",
    "staff",
    "support",
    "system",
  ].map(skeletonOf),
);
/** The names of deleted accounts. */
const DELETED = "deleted-";
const DELETED_SKELETON = skeletonOf(DELETED);

/** The scripts in use (UAX #31, tables 5 and 7). A string is what counts as one (UTS #39, section 5.1). */
const SCRIPTS = [
  "Latin",
  ...["Han Hiragana Katakana", "Han Hangul", "Han Bopomofo", "Cyrillic", "Greek", "Arabic", "Hebrew"],
  ...[
    "Armenian",
    "Bengali",
    "Devanagari",
    "Ethiopic",
    "Georgian",
    "Gujarati",
    "Gurmukhi",
    "Kannada",
    "Khmer",
    "Lao",
  ],
  ...["Malayalam", "Myanmar", "Oriya", "Sinhala", "Tamil", "Telugu", "Thaana", "Thai", "Tibetan"],
  ...[
    "Adlam",
    "Balinese",
    "Bamum",
    "Batak",
    "Canadian_Aboriginal",
    "Chakma",
    "Cham",
    "Cherokee",
    "Hanifi_Rohingya",
  ],
  ...[
    "Javanese",
    "Kayah_Li",
    "Lepcha",
    "Limbu",
    "Lisu",
    "Mandaic",
    "Meetei_Mayek",
    "Miao",
    "New_Tai_Lue",
    "Newa",
  ],
  ...[
    "Nko",
    "Nyiakeng_Puachue_Hmong",
    "Ol_Chiki",
    "Osage",
    "Saurashtra",
    "Sundanese",
    "Syloti_Nagri",
    "Syriac",
  ],
  ...["Tai_Le", "Tai_Tham", "Tai_Viet", "Tifinagh", "Vai", "Wancho", "Yi"],
].map((line) => {
  const letters = line.split(" ").map((script) => `\\p{Script_Extensions=${script}}`);
  return new RegExp(`^[${letters.join("")}\\p{Script=Common}\\p{Script=Inherited}]*$`, "u");
});

/**
 * Returns the canonical form of a new username: Unicode NFKC, 1 to 32 letters, marks and digits of one script,
 * `_`, `-`, `.`, not starting with a dot or a mark, not ending with a dot, and with nothing invisible. Returns
 * null if `name` is not a username, or looks like a reserved one. Older usernames may break these rules.
 */
export function usernameOf(name: string): string | null {
  const normal = normalized(name, "NFKC", USERNAME_MAX * 4);
  if (!normal || !USERNAME.test(normal) || !isPlain(normal)) return null;
  return [...normal].length <= USERNAME_MAX && ofOneScript(normal) && !isReserved(normal) ? normal : null;
}

const RULE =
  "must be 1 to 32 letters and digits of one script, _, - or ., must not start or end with a dot, and must not be reserved";

/** Schema for a new username, in its canonical form. */
export const username = v.pipe(
  v.string("must be a string"),
  v.metadata({ description: `It ${RULE}.` }),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const name = usernameOf(dataset.value);
    if (name !== null) return name;
    addIssue({ message: RULE });
    return NEVER;
  }),
);

const isReserved = (name: string) =>
  skeletonsLike(name).some(
    (like) => RESERVED.has(like.replace(SEPARATORS, "")) || like.startsWith(DELETED_SKELETON),
  );

/** Returns the username of a deleted account. The fold of its old name stays taken. */
export const deletedName = (userId: number) => `${DELETED}${userId}`;

/** Yields usernames for someone who chose none: the closest to `wanted`, then that with random digits. */
export function* namesFor(wanted: string | undefined): Generator<string> {
  const base = fitting(wanted ?? "");
  yield base;
  for (let digits = 2; digits <= 8; digits++) {
    const suffix = `-${Math.floor(Math.random() * 10 ** digits)}`;
    yield `${[...base].slice(0, USERNAME_MAX - suffix.length).join("")}${suffix}`;
  }
}

/** Returns the closest username to any text, without anything from the `@` on: email domains are private. */
function fitting(wanted: string): string {
  const local = wanted.slice(0, 256).split("@")[0] ?? "";
  const kept = local
    .normalize("NFKC")
    .replace(NOT_OF_A_USERNAME, "")
    .replace(/^[\p{M}.]+/u, "");
  const name = [...kept].slice(0, USERNAME_MAX).join("").replace(/\.+$/, "");
  return usernameOf(name) ?? usernameOf(name.replace(JOINERS, "")) ?? "user";
}

const ofOneScript = (name: string) => SCRIPTS.some((script) => script.test(name));
