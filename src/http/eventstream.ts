import { type EventFeed, type EventPage, encodeEvent } from "../chat/chat.ts";
import { problemOf, Refusal, refusalOf } from "../errors.ts";
import { ERRORS } from "../protocol/codes.ts";

/** How often an idle stream gets a sign of life with its present cursor, in milliseconds. */
const HEARTBEAT_MS = 15_000;
/** How often it is checked whether the reader may still read, in milliseconds. */
const CHECK_MS = 5_000;
/**
 * How long a reader rests after a look that found nothing, in milliseconds, and at least so many times as long as the look
 * took: many readers on a busy database look less often, and find more at once. One that wants little of a long journal reads
 * it slowly.
 */
const REST_MS = { least: 50, most: 1_000 } as const;
const REST = 4;
/** How long to wait if the database is away or busy, in milliseconds. */
const RETRY_MS = 1_000;
/** How long a reader may take for one part of a stream, in milliseconds. */
const STALL_MS = 60_000;
/** When a client is to reconnect, in milliseconds. */
const RECONNECT_MS = 1_000;

interface StreamParts {
  readonly feed: EventFeed;
  /** Checks whether the reader may still read, and returns true. @throws {Refusal} if not. */
  check(): Promise<true>;
  /** Returns for how long the reader has to wait because their budget is spent, in milliseconds. */
  owed(): number;
  /** Counts a part of so many events and bytes. One without any stands for a long look that found nothing. */
  sent(events: number, bytes: number): void;
  /** Whether this node is stopping. */
  stopping(): boolean;
  /** Called once, when the stream has ended. */
  ended(): void;
}

/** Each event as a message of a stream of events, whose id is its cursor (HTML, section 9.2). */
export const eventLines = ({ events }: Pick<EventPage, "events">): string =>
  events
    .map(({ room, message, cursor }) => `id: ${cursor}\ndata: ${encodeEvent(room, message, cursor)}\n\n`)
    .join("");

/** Rests after a look that began then, by the monotonic clock, and found nothing. */
export const restSince = (begun: number): Promise<void> =>
  Bun.sleep(Math.min(REST_MS.most, Math.max(REST_MS.least, REST * (performance.now() - begun))));

/** Returns undefined if the database is away or busy. */
const unlessAway = <T>(work: () => Promise<T>): Promise<T | undefined> =>
  work().catch((error: unknown) => {
    if (error instanceof Refusal && ERRORS[error.code].retryable) return undefined;
    throw error;
  });

/**
 * A stream of server-sent events. It reads only what its reader takes, so a slow one costs the memory of one page. It ends
 * with the reader's right, with the history that its cursor belongs to, and with this node.
 */
export function streamEvents(parts: StreamParts): ReadableStream {
  const { feed, check, owed, sent, stopping, ended } = parts;
  const gone = new AbortController();
  let hasBegun = false;
  let beatAt = 0;
  let checkAt = performance.now() + CHECK_MS;
  let stall: Timer | undefined;

  const end = () => {
    clearTimeout(stall);
    if (gone.signal.aborted) return;
    gone.abort();
    ended();
  };
  const watch = () => void (stall = setTimeout(end, STALL_MS));

  /** Returns the next part: events, a sign of life, or null after the last one. */
  async function part(): Promise<string | null> {
    for (;;) {
      if (gone.signal.aborted) return null;
      const now = performance.now();
      if (now >= checkAt && (await unlessAway(check))) checkAt = now + CHECK_MS;
      const wait = owed();
      // Without the check nothing is read.
      const page = wait > 0 || now >= checkAt ? undefined : await unlessAway(feed.next);
      if (page && page.events.length > 0) {
        const lines = eventLines(page);
        sent(page.events.length, Buffer.byteLength(lines));
        return lines;
      }
      if (stopping()) return null;
      if (now >= beatAt) return here();
      const left = Math.max(1, Math.min(Math.max(checkAt, now + RETRY_MS), beatAt) - now);
      if (!page) await Bun.sleep(Math.min(left, wait || RETRY_MS));
      else {
        await restSince(now);
        if (page.more) sent(0, 0);
        else await feed.wait(left, gone.signal);
      }
    }
  }

  /** Tells a reader, without an event, where to continue if it loses the stream. */
  const here = () => `id: ${feed.cursor}\n\n`;

  watch();
  return new ReadableStream(
    {
      async pull(controller) {
        if (gone.signal.aborted) return controller.close();
        clearTimeout(stall);
        let text: string | null = `retry: ${RECONNECT_MS}\n${here()}`;
        let last = "";
        try {
          if (hasBegun) text = await part();
        } catch (error) {
          const { code, detail } = problemOf(refusalOf(error));
          last = `event: end\ndata: ${JSON.stringify({ code, message: detail })}\n\n`;
          text = null;
        }
        hasBegun = true;
        beatAt = performance.now() + HEARTBEAT_MS;
        if (gone.signal.aborted) return;
        const bytes = Buffer.from(text ?? last);
        if (bytes.length > 0) controller.enqueue(bytes);
        if (text !== null) return watch();
        controller.close();
        end();
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  );
}
