import { type Token, tokensOf } from "./tokens.ts";

/** The longest query, in code points. */
export const QUERY_MAX = 256;
/** The most words and phrases of a query. */
const NEEDLES_MAX = 16;

/** What someone searches for. Everything has to hold. */
export interface Query {
  /** What a message contains, each in a row. */
  readonly needles: readonly (readonly Token[])[];
  /** Who wrote it, as the query names them. */
  readonly from?: string;
  /** The name of its room. */
  readonly in?: string;
  /** Bounds of when it was posted, in milliseconds since 1970: at or after `after`, and before `before`. */
  readonly after?: number;
  readonly before?: number;
  readonly has: ReadonlySet<Having>;
}

/** What a message may have besides its text. */
export const HAVINGS = ["link", "file"] as const;
export type Having = (typeof HAVINGS)[number];
export const FILTERS = ["from", "in", "before", "after", "has"] as const;
type Filter = (typeof FILTERS)[number];

/** A query that cannot be understood. The message says why, and what to do. */
export class BadQuery extends Error {
  override readonly name = "BadQuery";
}

/** A filter with its value; a phrase in quotation marks, which phones write in two forms; or a word. */
const PART =
  /(from|in|before|after|has):(?!\S)|(?:(from|in|before|after|has):)?(?:["“”]([^"“”]*)(["“”]?)|([^\s"“”]+))/giu;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})$/i;
const DAY_MS = 24 * 3600_000;

/** Parses a query. Its text must have a bound: see {@link QUERY_MAX}. @throws {BadQuery} */
export function parseQuery(text: string): Query {
  const needles: Token[][] = [];
  const has = new Set<Having>();
  const values: Partial<Record<Filter, string>> = {};
  for (const [, empty, filtered, quoted, close, bare] of text.matchAll(PART)) {
    if (quoted !== undefined && close === "")
      throw new BadQuery("has a quotation mark that is not closed: close it, or remove it");
    const filter = (filtered ?? empty)?.toLowerCase() as Filter | undefined;
    const value = (quoted ?? bare ?? "").trim();
    if (filter === undefined) {
      const tokens = tokensOf(value);
      if (tokens.length > 0) needles.push(tokens);
      continue;
    }
    if (value === "")
      throw new BadQuery(
        `has ${filter}: without a value: write it without a space, as in ${EXAMPLES[filter]}`,
      );
    if (filter === "has") {
      const having = HAVINGS.find((name) => name === value.toLowerCase());
      if (having === undefined) throw new BadQuery("has an unknown has: use has:link or has:file");
      has.add(having);
      continue;
    }
    if (values[filter] !== undefined) throw new BadQuery(`has ${filter}: more than once: use it once`);
    values[filter] = value;
  }
  if (needles.length > NEEDLES_MAX)
    throw new BadQuery(`has too many words: use at most ${NEEDLES_MAX} words and phrases`);
  const { from, in: room } = values;
  if (needles.length === 0 && has.size === 0 && from === undefined)
    throw new BadQuery("has nothing to look for: write a word, or use from: or has:");
  return {
    needles,
    has,
    ...(from !== undefined && { from }),
    ...(room !== undefined && { in: room }),
    ...(values.after !== undefined && { after: timeOf("after", values.after) }),
    ...(values.before !== undefined && { before: timeOf("before", values.before) }),
  };
}

const EXAMPLES: Readonly<Record<Filter, string>> = {
  from: "from:ada",
  in: "in:lobby",
  before: "before:2026-01-31",
  after: "after:2026-01-31",
  has: "has:link",
};

/** A day is one in UTC. After a day means from the next one on. */
function timeOf(filter: "before" | "after", value: string): number {
  const time = DAY.test(value) || TIME.test(value) ? Date.parse(value) : NaN;
  // Date.parse accepts the 30th of February.
  if (Number.isNaN(time) || (DAY.test(value) && new Date(time).toISOString().slice(0, 10) !== value))
    throw new BadQuery(`has ${filter}: with something that is no date: write it like ${EXAMPLES[filter]}`);
  return filter === "after" && DAY.test(value) ? time + DAY_MS : time;
}
