import type { Context } from "hono";
import * as v from "valibot";
import { Refusal } from "../errors.ts";
import { decimal } from "./request.ts";

/** Entries on a page of a list whose entries have ids. */
export const PAGE = { usual: 50, most: 100 } as const;

export const ID = v.pipe(v.string(), v.uuid("must be an id"));
export const CURSOR = v.pipe(ID, v.description("The id of the last entry of the page before."));
export const LIST = v.object({ after: v.optional(CURSOR), limit: v.optional(decimal(1, PAGE.most)) });

/** What all lists have in common. */
export const listing = {
  headers: { Link: "The next page (next), if there is one." },
  cost: { budget: "lists" },
} as const;
/** The id in a path. @throws {Refusal} not_found. */
export function idParam(c: Context): string {
  const id = v.safeParse(ID, c.req.param("id"));
  if (!id.success) throw new Refusal("not_found");
  return id.output;
}

/** Sets the `Link` header of a page, if there is another one. */
export function linkNext(
  c: Context,
  path: string,
  last: string | number | undefined,
  query: Record<string, string | undefined>,
) {
  if (last === undefined) return;
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  c.header("link", `<${path}?${new URLSearchParams([["after", `${last}`], ...given])}>; rel="next"`);
}
