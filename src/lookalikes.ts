import confusables from "unhomoglyph/data.json" with { type: "json" };

/** Letters that a reader takes for others at a glance, although Unicode's list keeps them apart. */
const AT_A_GLANCE: Readonly<Record<string, string>> = {
  ӏ: "l",
  ĸ: "k",
  ᴛ: "t",
  ʙ: "b",
  ʜ: "h",
  ʍ: "rn",
  п: "n",
  г: "r",
  ш: "w",
  η: "n",
  ω: "w",
};
/** Code points and what they look like (UTS #39, confusables.txt). */
const PROTOTYPES = new Map(
  Object.entries<string>(confusables).map(([letter, like]) => [
    letter,
    Array.from(like, (each) => AT_A_GLANCE[each] ?? each).join(""),
  ]),
);
for (const [letter, like] of Object.entries(AT_A_GLANCE)) PROTOTYPES.set(letter, like);
const IGNORABLE = /\p{Default_Ignorable_Code_Point}/gu;
/** Bounds what an index holds, in UTF-16 units. A few characters stand for a whole phrase. */
const SKELETON_MAX = 256;

/** Returns the form in which names are compared: names that differ only in case are the same. */
export const foldOf = (name: string) => name.toUpperCase().toLowerCase().normalize("NFKC");

/** What a name looks like as it is written (UTS #39, section 4). */
function prototypeOf(name: string): string {
  const letters = name.normalize("NFD").replace(IGNORABLE, "");
  return Array.from(letters, (letter) => PROTOTYPES.get(letter) ?? letter)
    .join("")
    .normalize("NFD");
}

/** Returns what a name of bounded length looks like, whatever its case: names with one skeleton are hard to tell apart. */
export const skeletonOf = (name: string): string =>
  foldOf(prototypeOf(foldOf(name)))
    .slice(0, SKELETON_MAX)
    .toWellFormed();

/**
 * Returns the skeletons of all names that a name can be mistaken for. The second one is that of its capitals as they
 * look, which folding would change: aIice (with a capital I) looks like alice.
 */
export const skeletonsLike = (name: string): [whatever: string, capitals: string] => [
  skeletonOf(name),
  skeletonOf(foldOf(prototypeOf(name))),
];
