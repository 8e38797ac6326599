/** Shorter names are not compared, because names such as POST or HOSTS may well mean something else. */
export const COMPARED_MIN = 6;

/**
 * Returns the names that are probably misspelt, each with the known name that was meant: they differ from it in case,
 * in underscores, or by one character that was added, left out, replaced or exchanged with its neighbour.
 */
export function misspelt(
  names: readonly string[],
  known: readonly string[],
): [name: string, meant: string][] {
  const compared = known.filter((name) => name.length >= COMPARED_MIN);
  return names.flatMap((name): [string, string][] => {
    if (known.includes(name)) return [];
    const meant = compared.find((candidate) => isAlike(name.toUpperCase(), candidate));
    return meant === undefined ? [] : [[name, meant]];
  });
}

function isAlike(name: string, candidate: string): boolean {
  const [bare, other] = [name, candidate].map((text) => text.replaceAll("_", ""));
  return bare === other || isWithinOneEdit(name, candidate);
}

/** Whether two texts are equal, or differ by one insertion, deletion, substitution or exchange of neighbours. */
function isWithinOneEdit(a: string, b: string): boolean {
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  let [endA, endB] = [a.length, b.length];
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) [endA, endB] = [endA - 1, endB - 1];
  const [restA, restB] = [a.slice(start, endA), b.slice(start, endB)];
  if (restA.length <= 1 && restB.length <= 1) return true;
  return restA.length === 2 && restA === [...restB].reverse().join("");
}
