import { Refusal } from "../../errors.ts";
import type { Position } from "../../protocol/frames.ts";
import type { Shared } from "../connection/peer.ts";
import type { Timeline } from "./timeline.ts";

/** When a join that found no database may be tried again, in milliseconds. */
const RETRY_MS = 1_000;

/**
 * Enters a room for a client that stands at `since`. The timeline is read up to there: the client may come from a node
 * that was ahead of this one. @throws {Refusal} unavailable.
 */
export async function timelineFor(
  { rooms, faulted }: Pick<Shared, "rooms" | "faulted">,
  room: string,
  since: Position | undefined,
): Promise<Timeline> {
  let timeline: Timeline;
  try {
    timeline = await rooms.enter(room);
  } catch (error) {
    if (!(error instanceof Refusal)) faulted(error);
    throw new Refusal("unavailable", { retryAfterMs: RETRY_MS });
  }
  const ahead = () => since?.epoch === timeline.epoch && since.version > timeline.released;
  // Twice: a reading that is under way may have begun before that version was there.
  let read = !ahead() || (await timeline.catchUp());
  if (read && ahead()) read = await timeline.catchUp();
  if (read) return timeline;
  rooms.leave(timeline);
  throw new Refusal("unavailable", { retryAfterMs: RETRY_MS });
}
