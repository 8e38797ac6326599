import { Hono } from "hono";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import { type Chat, RESULTS_MAX, shownAny } from "../chat/chat.ts";
import { room } from "../protocol/frames.ts";
import { text } from "../protocol/text.ts";
import { QUERY_MAX } from "../search/query.ts";
import { MESSAGE } from "./answers.ts";
import { bearer } from "./bearer.ts";
import { operation } from "./operation.ts";
import { decimal, type Env } from "./request.ts";
import { untilTaken } from "./taken.ts";

const USUAL = 20;
const CURSOR_MAX = 512;

const QUERY = v.object({
  q: v.pipe(
    text({ min: 1, max: QUERY_MAX }),
    v.description("Words, phrases in quotation marks, and the filters from:, in:, before:, after: and has:."),
  ),
  room: v.optional(
    v.pipe(room, v.description("Only this room, also an open one that the caller is no member of.")),
  ),
  before: v.pipe(
    v.optional(v.pipe(v.string(), v.maxLength(CURSOR_MAX, `must have at most ${CURSOR_MAX} characters`))),
    v.description("A cursor from a Link header."),
  ),
  limit: v.optional(decimal(1, RESULTS_MAX)),
});

const place = v.pipe(v.number(), v.integer(), v.minValue(0));
const FOUND = v.object({
  messages: v.array(
    v.object({
      ...MESSAGE.entries,
      highlights: v.pipe(
        v.array(v.pipe(v.array(place), v.length(2))),
        v.description(
          "The parts of content that were searched for: where each begins and, after its last character, ends, in code points.",
        ),
      ),
    }),
  ),
  partial: v.pipe(v.boolean(), v.description("Not everything was looked at.")),
});

/** Searching for messages. */
export function searchRoutes({ auth, chat }: { readonly auth: Auth; readonly chat: Chat }) {
  return new Hono<Env>({ strict: false }).get(
    "/search",
    bearer(auth),
    operation({
      summary: "Search for messages",
      about: `Newest first, in the rooms that the caller is a member of, or in one room. ${USUAL} unless the limit says otherwise. partial: not everything was looked at, because the search took too long or the newest messages are not in the index yet.`,
      query: QUERY,
      cost: { budget: "searches" },
      answers: { 200: FOUND },
      headers: { Link: "The next page (next), if there is one." },
      refusals: ["search_off", "forbidden", "not_found"],
    }),
    untilTaken(),
    async (c) => {
      const { q, room, before, limit = USUAL } = c.req.valid("query");
      const { found, partial, next } = await chat.search(c.get("identity"), { q, room, before, limit });
      if (next !== undefined) {
        const parameters = new URLSearchParams({ q, ...(room !== undefined && { room }), before: next });
        parameters.set("limit", String(limit));
        c.header("link", `</search/?${parameters}>; rel="next"`);
      }
      c.header("cache-control", "no-store");
      const messages = found.map(({ room, message, highlights }) => ({
        room,
        ...shownAny(message),
        highlights: highlights.map(([start, end]): [number, number] => [start, end]),
      }));
      return c.json({ messages, partial } as v.InferOutput<typeof FOUND>, 200);
    },
  );
}
