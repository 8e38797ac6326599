// Removes what was added to the language and to browsers after 2022.
const later = [
  [Array, "fromAsync"],
  [Array.prototype, "findLast", "findLastIndex", "toReversed", "toSorted", "toSpliced", "with"],
  [Map, "groupBy"],
  [Object, "groupBy"],
  [Promise, "try", "withResolvers"],
  [Set.prototype, "difference", "intersection", "isSubsetOf", "isSupersetOf", "symmetricDifference", "union"],
  [String.prototype, "isWellFormed", "toWellFormed"],
  [Object.getPrototypeOf(Object.getPrototypeOf([].values())), "filter", "find", "map", "some", "toArray"],
  [globalThis, "Iterator"],
  [globalThis.AbortSignal, "any", "timeout"],
  [globalThis.URL, "canParse", "parse"],
  [globalThis.Crypto?.prototype, "randomUUID"],
];
for (const [owner, ...names] of later) for (const name of names) if (owner) delete owner[name];
