// The part of the client for searching.
import { unexpected } from "../errors.ts";
import { shape } from "../frames.ts";
import type { Message } from "../message.ts";
import type { Page, PageQuery } from "../page.ts";
import type { Session } from "../session.ts";

/** Where to search, and which page. `after`: `next` of the page before. */
export interface SearchOptions extends PageQuery {
  /** Searches this room alone. Without it: all rooms of this person. */
  readonly room?: string | undefined;
}

/** A message that was found. */
export interface FoundMessage extends Message {
  readonly room: string;
  /** The parts of `content` that were searched for, in order: `content.slice(start, end)`. */
  readonly highlights: readonly (readonly [start: number, end: number])[];
}

/** A page of what was found, newest first. It may be empty although another one follows. */
export interface FoundPage extends Page<FoundMessage> {
  /** The server did not look at everything: it took too long, or the newest messages cannot be searched yet. */
  readonly partial: boolean;
}

/** @throws {ChatError} @throws the reason of `signal`. */
export async function search(
  session: Session,
  query: string,
  { room, after, limit, signal }: SearchOptions = {},
): Promise<FoundPage> {
  const given = Object.entries({ q: query, room, before: after, limit }).filter(
    ([, value]) => value !== undefined,
  );
  const path = `search/?${new URLSearchParams(given as [string, string][])}`;
  const { body, headers } = await session.request("GET", path, { signal });
  if (!isPage(body)) throw unexpected();
  const [, next] = /[?&]before=([^&>]+)/.exec(headers.get("link") ?? "") ?? [];
  const found = body.messages as readonly unknown[];
  return {
    items: found.filter(isFound).map((message) => inUnits(message as unknown as FoundMessage)),
    next: next && decodeURIComponent(next),
    partial: body.partial === true,
  };
}

const isPageLike = shape("partial:flag");
const isPage = (body: unknown): body is Readonly<Record<string, unknown>> =>
  isPageLike(body) && Array.isArray(body.messages);
const isMessage = shape("room id:id version:id username user:person content timestamp clientId");
const isFound = (value: unknown) => isMessage(value) && Array.isArray(value.highlights);

/** The server counts code points, strings here are counted in UTF-16 code units. */
function inUnits(message: FoundMessage): FoundMessage {
  let unit = 0;
  let point = 0;
  const unitAt = (wanted: number) => {
    for (; point < wanted && unit < message.content.length; point++)
      unit += (message.content.codePointAt(unit) ?? 0) > 0xffff ? 2 : 1;
    return unit;
  };
  return {
    ...message,
    highlights: message.highlights.map(([start, end]): [number, number] => [unitAt(start), unitAt(end)]),
  };
}
