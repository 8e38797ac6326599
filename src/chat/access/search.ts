import { type Clock, slicing } from "../../clock.ts";
import { invalid, Refusal } from "../../errors.ts";
import type { Identity } from "../../identity.ts";
import type { Places } from "../../limits/places.ts";
import type { Message } from "../../message.ts";
import { inCodePoints, joined, placesOf, type Range } from "../../search/match.ts";
import { BadQuery, parseQuery, type Query } from "../../search/query.ts";
import { FILE, LINK, type Lookup, lookupsOf, senderTerm, textsOfFiles } from "../../search/terms.ts";
import { tokensOf } from "../../search/tokens.ts";
import type { PersonStore } from "../ports.ts";
import type { Hit, SearchPlace, SearchScope, SearchStore, Times } from "../searchports.ts";
import type { Access } from "./access.ts";

/** Results on a page. */
export const RESULTS_MAX = 50;
/** The most blocks that one request looks at, those of one statement, and for how long it goes on, in milliseconds. */
const BLOCKS_MAX = 4_096;
const BLOCKS_AT_ONCE = 64;
const SEARCH_MS = 1_500;
/** Messages that one statement returns. More than a page has: not all of them contain a phrase. */
const HITS = RESULTS_MAX + 1;

export interface SearchQuery {
  readonly q: string;
  /** Only this room. */
  readonly room?: string | undefined;
  /** The cursor of the page before. */
  readonly before?: string | undefined;
  readonly limit: number;
}

/** A message that was found. */
export interface Found extends Hit {
  /** The parts of its text that were searched for, in code points. */
  readonly highlights: readonly Range[];
}

export interface FoundPage {
  /** Newest first. */
  readonly found: readonly Found[];
  /** Not everything was looked at: the search took too long, or the index is behind. */
  readonly partial: boolean;
  /** An opaque cursor; undefined on the last page. */
  readonly next: string | undefined;
}

interface SearchParts {
  /** Absent: nobody can search. */
  readonly store: SearchStore | undefined;
  readonly people: PersonStore;
  readonly reads: Places;
  readonly access: Pick<Access, "reenter" | "readable" | "membersOnly">;
  readonly clock: Pick<Clock, "monotonic" | "soon">;
}

/** Everything in the future, and everything in the past, in microseconds since 1970. */
const EVER: Times = { after: 0, before: 8_000_000_000_000_000 };

/** Returns the search in the rooms of people, or in one room that they may read. */
export function createSearch({ store, people, reads, access, clock }: SearchParts) {
  /** Results of a store, in order. Results are sure once they are newer than all that was not looked at. */
  async function find(
    index: SearchStore,
    scope: SearchScope,
    { query, lookups }: Wanted,
    { place, limit }: { place: SearchPlace | undefined; limit: number },
  ): Promise<FoundPage> {
    const deadline = clock.monotonic() + SEARCH_MS;
    const pause = slicing(clock);
    const asked = timesOf(query);
    const times = place ? { ...asked, before: Math.min(asked.before, place.at + 1) } : asked;
    const { rooms, more, behind } = await index.rooms(scope);
    const blocks = await index.blocks(rooms, times, BLOCKS_MAX + 1);
    const examined = blocks.slice(0, BLOCKS_MAX);
    const found: (Found & SearchPlace)[] = [];
    /** What is older than this has not been looked at. */
    let bound = Infinity;
    const areSure = () => found.filter(({ at }) => at > bound).length;

    for (let from = 0; from < examined.length; from += BLOCKS_AT_ONCE) {
      const chunk = examined.slice(from, from + BLOCKS_AT_ONCE);
      const following = blocks[from + BLOCKS_AT_ONCE]?.newest ?? -Infinity;
      for (let on: SearchPlace | undefined | null = place; on !== null;) {
        if (bound < Infinity && clock.monotonic() > deadline)
          return pageOf({ found, bound, limit, partial: true });
        const { hits, next } = await index.hits(scope, chunk, lookups, { ...times, place: on, limit: HITS });
        for (const hit of hits) {
          const highlights = highlightsOf(query, hit.message);
          if (highlights) found.push({ ...hit, highlights });
          await pause();
        }
        bound = Math.max(following, next?.at ?? -Infinity);
        if (areSure() > limit) return pageOf({ found, bound, limit, partial: behind });
        on = next ?? null;
      }
    }
    const rest = blocks[BLOCKS_MAX];
    return pageOf({
      found,
      bound: rest?.newest ?? -Infinity,
      limit,
      partial: behind || more || rest !== undefined,
    });
  }

  /** @throws {Refusal} search_off, invalid, forbidden and so on, busy, unavailable. */
  return async (person: Identity, { q, room, before, limit }: SearchQuery): Promise<FoundPage> => {
    if (!store) throw new Refusal("search_off");
    const query = understood(q);
    if (query.in !== undefined && room !== undefined && query.in !== room)
      throw invalid({ q: ["has in: although a room was given: remove one of them"] });
    const place = before === undefined ? undefined : placeIn(before);
    const chosen = room ?? query.in;
    if (chosen !== undefined) await access.reenter(person, chosen);
    const patterns = access.readable(person);
    if (patterns?.length === 0) return { found: [], partial: false, next: undefined };
    const { userId } = person;
    const sender = query.from === undefined ? undefined : await senderOf(query.from, userId);
    const wanted = { query, lookups: lookupsFor(query, sender) };
    const scope = { userId, room: chosen, patterns, membersOnly: access.membersOnly };
    return reads.run(userId, () =>
      find(store, scope, wanted, { place, limit: Math.min(limit, RESULTS_MAX) }),
    );
  };

  /** People write handles, with or without @; programs write ids. */
  async function senderOf(name: string, me: number): Promise<number> {
    const [handle, id] = await people.find([name.startsWith("@") ? name : `@${name}`, name], me);
    const found = name === "me" ? id : (handle ?? id);
    if (typeof found === "number") return found;
    throw invalid({ q: ["has from: with somebody who is not known here"] });
  }
}

interface Wanted {
  readonly query: Query;
  readonly lookups: readonly Lookup[];
}

function understood(q: string): Query {
  try {
    return parseQuery(q);
  } catch (error) {
    if (error instanceof BadQuery) throw invalid({ q: [error.message] });
    throw error;
  }
}

const timesOf = ({ after, before }: Query): Times => ({
  after: after === undefined ? EVER.after : Math.max(EVER.after, after * 1000),
  before: before === undefined ? EVER.before : Math.max(EVER.after, before * 1000),
});

function lookupsFor({ needles, has }: Query, sender: number | undefined): Lookup[] {
  const special = [
    ...(sender === undefined ? [] : [senderTerm(sender)]),
    ...(has.has("link") ? [LINK] : []),
    ...(has.has("file") ? [FILE] : []),
  ];
  return [...needles.flatMap(lookupsOf), ...special.map((term) => ({ term, prefix: false }))];
}

/** Where a message contains what is searched for; undefined: it does not. The index knows only single terms of it. */
function highlightsOf({ needles }: Query, { content, files }: Message): readonly Range[] | undefined {
  if (needles.length === 0) return [];
  const text = tokensOf(content);
  const others = files === null ? [] : textsOfFiles(files).map(tokensOf);
  const ranges: Range[] = [];
  for (const needle of needles) {
    const places = placesOf(needle, text);
    if (places.length === 0 && !others.some((other) => placesOf(needle, other).length > 0)) return undefined;
    ranges.push(...places);
  }
  return inCodePoints(content, joined(ranges));
}

interface Sorting {
  readonly found: readonly (Found & SearchPlace)[];
  readonly bound: number;
  readonly limit: number;
  readonly partial: boolean;
}

/** The results that are sure, as many as fit, and where to continue. */
function pageOf({ found, bound, limit, partial }: Sorting): FoundPage {
  const sure = found.filter(({ at }) => at > bound).sort(byPlace);
  const page = sure.slice(0, limit);
  const last = page.at(-1);
  const next =
    sure.length > limit && last
      ? cursorOf(last)
      : bound > -Infinity && bound < Infinity
        ? cursorOf({ at: bound + 1, room: "", id: 0 })
        : undefined;
  return { found: page, partial, next };
}

/** As the store sorts: newest first, and what was posted in one moment by room and id. */
const byPlace = (one: Found & SearchPlace, other: Found & SearchPlace) =>
  other.at - one.at || other.roomId - one.roomId || other.id - one.id;

/** A cursor names a room that its reader has just seen, or none. */
const cursorOf = ({ at, id, room }: SearchPlace): string =>
  Buffer.from(`${at} ${id} ${room}`).toString("base64url");

/** @throws {Refusal} invalid. */
function placeIn(cursor: string): SearchPlace {
  const [, at, id, room] =
    /^(\d{1,16}) (\d{1,16}) (\S{0,256})$/.exec(Buffer.from(cursor, "base64url").toString()) ?? [];
  if (room === undefined || room.includes("\0"))
    throw invalid({ before: ["must be a cursor of this search"] });
  return { at: Number(at), id: Number(id), room };
}
