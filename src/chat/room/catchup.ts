import { Refusal } from "../../errors.ts";
import type { Position } from "../../protocol/frames.ts";
import type { Rooms } from "./rooms.ts";
import type { Timeline } from "./timeline.ts";

/** When a join that found the database away may be retried, in milliseconds. */
const RETRY_MS = 1_000;

/**
 * Opens a room for a client at `since`. If the client is ahead of this node, because it comes from another one, the
 * timeline first reads the database up to there. `faulted` gets unexpected errors.
 * @throws {Refusal} unavailable.
 */
export async function openFor(
  rooms: Pick<Rooms, "open" | "close">,
  room: string,
  since: Position | undefined,
  faulted: (error: unknown) => void,
): Promise<Timeline> {
  let timeline: Timeline;
  try {
    timeline = await rooms.open(room);
  } catch (error) {
    if (!(error instanceof Refusal)) faulted(error);
    throw new Refusal("unavailable", { retryAfterMs: RETRY_MS });
  }
  const ahead = () => since?.epoch === timeline.epoch && since.version > timeline.released;
  // Twice: a read in flight may have begun before that version was committed.
  let read = !ahead() || (await timeline.catchUp());
  if (read && ahead()) read = await timeline.catchUp();
  if (read) return timeline;
  rooms.close(timeline);
  throw new Refusal("unavailable", { retryAfterMs: RETRY_MS });
}
