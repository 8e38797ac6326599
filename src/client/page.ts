import { unexpected } from "./errors.ts";
import type { shape } from "./frames.ts";
import type { Session } from "./session.ts";

export interface LoadOptions {
  /** How many items a page has. */
  readonly limit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface PageQuery extends LoadOptions {
  /** Where the page begins: `next` of the page before. */
  readonly after?: string | undefined;
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
  query: PageQuery | Readonly<Record<string, unknown>> = {},
): Promise<Page<T>> {
  const { signal, ...filters } = query as PageQuery;
  const given = Object.entries(filters).filter(([, value]) => value !== undefined);
  const search = new URLSearchParams(given as [string, string][]);
  const { body, headers } = await session.request("GET", `${path}?${search}`, { signal });
  const [, next] = /[?&](?:after|before)=([^&>]+)/.exec(headers.get("link") ?? "") ?? [];
  return {
    items: listIn(body).filter(isItem) as unknown as T[],
    next: next && decodeURIComponent(next),
  };
}

/** Returns a body that must be an array. @throws {ChatError} `bad_answer` if it is not. */
export function listIn(body: unknown): unknown[] {
  if (Array.isArray(body)) return body;
  throw unexpected();
}

/** The path of a room, which `more` continues. */
export const roomPath = (room: string, more: string) => `rooms/${encodeURIComponent(room)}/${more}/`;
