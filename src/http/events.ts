import { type Context, Hono } from "hono";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import { ownerOfKey, type Payer } from "../budgets.ts";
import { type Chat, encodeEvent, type EventFeed, type EventPage, type EventReader } from "../chat/chat.ts";
import { Refusal } from "../errors.ts";
import type { Metrics } from "../metrics.ts";
import type { SharedBudget } from "../protocol/budgets.ts";
import { room } from "../protocol/frames.ts";
import { text } from "../protocol/text.ts";
import { MESSAGE, NOTICE } from "./answers.ts";
import { personOrKeyBearer } from "./bearer.ts";
import { restSince, streamEvents } from "./eventstream.ts";
import { operation } from "./operation.ts";
import { decimal, type Env, originOf, tokenOf } from "./request.ts";
import { requireScope } from "./scope.ts";
import { inParts } from "./taken.ts";

/** How long a request may wait for events, in seconds. It is less than proxies usually allow a response to take. */
const WAIT_MAX = 50;
/** How many requests for events one person and one key may have open on a node. */
const OPEN = { person: 5, key: 50 } as const;
/** A page that is larger is handed over in parts, and its reader has it until it is taken, in bytes. */
const LARGE = 64 * 1024;
/** What a part of a stream counts as one page of, in bytes. */
const PART = 128 * 1024;
/** When someone with too many open requests may try again, in milliseconds. */
const RETRY_MS = 1_000;
const PATTERN_MAX = 256;
const CURSOR_MAX = 64;

const QUERY = v.object({
  after: v.optional(
    v.pipe(
      v.string(),
      v.maxLength(CURSOR_MAX, `must have at most ${CURSOR_MAX} characters`),
      v.description(
        "A cursor, start for everything from the beginning, or now. Defaults to Last-Event-ID if there is one, and to now.",
      ),
    ),
  ),
  room: v.optional(v.pipe(room, v.description("Only this room."))),
  rooms: v.optional(
    v.pipe(
      text({ min: 1, max: PATTERN_MAX }),
      v.description("Only rooms with such names: * stands for any run of characters, as in orders-*."),
    ),
  ),
  wait: v.optional(
    v.pipe(
      decimal(0, WAIT_MAX),
      v.description(
        "For how many seconds to wait if there is nothing yet. Not for streams, which always wait.",
      ),
    ),
  ),
});

const cursor = v.pipe(v.string(), v.description("Where to continue: after."));
const PAGE = v.object({
  events: v.array(
    v.union([
      v.object({
        type: v.literal("message"),
        change: v.picklist(["created", "updated", "deleted"]),
        ...MESSAGE.entries,
        cursor,
      }),
      v.object({ type: v.literal("notice"), ...NOTICE.entries, cursor }),
    ]),
  ),
  cursor,
  more: v.pipe(v.boolean(), v.description("More may be there already: ask again at once.")),
});

const LINES = "application/x-ndjson";
const STREAM = "text/event-stream";

interface EventRoutes {
  readonly auth: Auth;
  readonly chat: Pick<Chat, "events">;
  readonly metrics: Pick<Metrics, "eventStreams" | "events">;
}

const EVENTS = {
  summary: "What happens in rooms, in order",
  about: `Every message and every notice, each in its latest state, in the order of its room; a message that changes comes again. As a page of JSON; with Accept: ${LINES} as lines of JSON, the last of which is the cursor; with Accept: ${STREAM} as a stream of server-sent events, whose ids are cursors. A cursor works on every server of the installation, and for ever. It works with every choice of rooms.`,
  query: QUERY,
  sends: { "Last-Event-ID": "The cursor to continue after, which takes the place of after." },
  answers: { 200: PAGE },
  forms: [LINES, STREAM],
  scope: "events",
  refusals: ["epoch_changed", "too_many_streams", "forbidden", "not_found"],
} as const;

interface Begun {
  readonly feed: EventFeed;
  /** Checks whether the reader may still read: they may have lost the right while they waited. @throws {Refusal} if not. */
  check(): Promise<void>;
  leave(): void;
}

/** What happens in rooms, as pages and as a stream. */
export function eventRoutes({ auth, chat, metrics }: EventRoutes) {
  const enter = createEntrance(metrics);

  async function page(c: Context<Env>, seconds: number, { feed, check, leave }: Begun): Promise<Response> {
    const { signal } = c.req.raw;
    let begun = performance.now();
    const until = begun + seconds * 1000;
    const left = () => Math.max(0, until - performance.now());
    let found = await feed.next();
    for (;;) {
      if (found.events.length > 0 || found.more || left() === 0 || signal.aborted || chat.events.stopped)
        break;
      await restSince(begun);
      await feed.wait(left(), signal);
      begun = performance.now();
      found = await feed.next();
    }
    if (seconds > 0 && found.events.length > 0) await check();
    metrics.events.count += found.events.length;
    const asLines = accepts(c, LINES);
    const bytes = Buffer.from(asLines ? linesOf(found) : jsonOf(found));
    if (bytes.length <= LARGE) leave();
    const body = bytes.length > LARGE ? inParts(bytes, leave) : bytes;
    return c.body(body, 200, { "content-type": asLines ? LINES : "application/json" });
  }

  function stream(c: Context<Env>, { feed, leave, check }: Begun): Response {
    const hurried = c.env.unhurried?.();
    const budgets = c.get("budgets");
    const [budget, payer] = payerOf(c);
    const body = streamEvents({
      feed,
      check: () => check().then(() => true as const),
      owed: () => budgets.wait(budget, payer),
      sent(count, bytes) {
        metrics.events.count += count;
        budgets.charge(budget, payer, Math.max(1, Math.ceil(bytes / PART)));
      },
      stopping: () => chat.events.stopped,
      ended() {
        leave();
        hurried?.();
      },
    });
    // Proxies such as nginx would gather events otherwise.
    return c.body(body, 200, { "content-type": STREAM, "x-accel-buffering": "no" });
  }

  return new Hono<Env>({ strict: false }).get(
    "/events",
    personOrKeyBearer(auth),
    operation(EVENTS),
    async (c) => {
      const { wait = 0, after = "now", ...which } = c.req.valid("query");
      const { reader, holder, most } = readerOf(c, which.room);
      const leave = enter(holder, most);
      try {
        const from = c.req.header("last-event-id") || after;
        const feed = await chat.events.open(reader, { ...which, after: from });
        const begun = { feed, leave, check: () => recheck(c, feed) };
        c.header("cache-control", "no-store");
        return accepts(c, STREAM) ? stream(c, begun) : await page(c, wait, begun);
      } catch (error) {
        leave();
        throw error;
      }
    },
  );

  async function recheck(c: Context<Env>, feed: EventFeed): Promise<void> {
    const token = tokenOf(c) ?? "";
    await (c.get("key") ? auth.apiKeys.identify(token, originOf(c)) : auth.authenticate(token));
    await feed.check();
  }
}

/** What a stream costs, and whom. With a key, the identity is the server's. */
const payerOf = (c: Context<Env>): [SharedBudget, Payer] =>
  c.get("key") ? ["admin", ownerOfKey(c.get("key"))] : ["replays", c.get("identity")];

/** @throws {Refusal} scope_missing if a key may read no room, or not this one. */
function readerOf(
  c: Context<Env>,
  room: string | undefined,
): { reader: EventReader; holder: string; most: number } {
  const key = c.get("key");
  if (key) {
    requireScope(key, "rooms:read", room);
    return { reader: { patterns: key.roomsOf("rooms:read") }, holder: ownerOfKey(key), most: OPEN.key };
  }
  const person = c.get("identity");
  return { reader: { person }, holder: `person ${person.userId}`, most: OPEN.person };
}

/** Counts the open requests of each holder. `enter` returns a function that gives the place back. */
function createEntrance({ eventStreams }: Pick<Metrics, "eventStreams">) {
  const open = new Map<string, number>();
  /** @throws {Refusal} too_many_streams. */
  return (holder: string, most: number): (() => void) => {
    const taken = open.get(holder) ?? 0;
    if (taken >= most) throw new Refusal("too_many_streams", { retryAfterMs: RETRY_MS });
    open.set(holder, taken + 1);
    eventStreams.inc();
    let left = false;
    return () => {
      if (left) return;
      left = true;
      eventStreams.dec();
      const now = open.get(holder) ?? 1;
      if (now > 1) open.set(holder, now - 1);
      else open.delete(holder);
    };
  };
}

const accepts = (c: Context<Env>, type: string): boolean =>
  (c.req.header("accept") ?? "").split(",").some((one) => one.split(";")[0]?.trim().toLowerCase() === type);

const eventsOf = ({ events }: EventPage): string[] =>
  events.map(({ room, message, cursor }) => encodeEvent(room, message, cursor));

const jsonOf = (page: EventPage): string =>
  `{"events":[${eventsOf(page).join()}],"cursor":"${page.cursor}","more":${page.more}}`;

const linesOf = (page: EventPage): string =>
  [...eventsOf(page), JSON.stringify({ type: "cursor", cursor: page.cursor, more: page.more }), ""].join(
    "\n",
  );
