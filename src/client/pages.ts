import type { shape } from "./frames.ts";
import { listIn } from "./roomlist.ts";
import type { Session } from "./session.ts";

export interface PageQuery {
  /** Where the page begins: `next` of the page before. */
  readonly after?: string | undefined;
  readonly limit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A page of a list over HTTP. */
export interface Page<T> {
  readonly items: readonly T[];
  /** The cursor of the next page. Absent on the last page. */
  readonly next?: string | undefined;
}

/** Reads a page, without the items that are not valid. @throws {ChatError} @throws the reason of `signal`. */
export async function readPage<T>(
  session: Session,
  path: string,
  isItem: ReturnType<typeof shape>,
  { signal, after, limit, ...filters }: PageQuery & Readonly<Record<string, unknown>> = {},
): Promise<Page<T>> {
  const given = Object.entries({ after, limit, ...filters }).filter(([, value]) => value !== undefined);
  const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  const { body, headers } = await session.request("GET", `${path}?${query}`, { signal });
  const [, next] = /[?&]after=([^&>]+)/.exec(headers.get("link") ?? "") ?? [];
  return {
    items: listIn(body).filter(isItem) as unknown as T[],
    next: next && decodeURIComponent(next),
  };
}

/** The path of a room, which `more` continues. */
export const roomPath = (room: string, more: string) => `rooms/${encodeURIComponent(room)}/${more}/`;
