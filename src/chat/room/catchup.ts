import { Refusal } from "../../errors.ts";
import type { Position } from "../../protocol/frames.ts";
import type { Rooms } from "./rooms.ts";
import type { Timeline } from "./timeline.ts";

/** When a join that found the database away may be retried, in milliseconds. */
const RETRY_MS = 1_000;

/**
 * Opens a room for a client at `since`. If the client is ahead of this node, because it comes from another one, the
 * timeline first reads the database up to there. A client may claim anything, and live readers wait for such a read, so the
 * database is asked first whether there is something to read. `faulted` gets unexpected errors.
 * @throws {Refusal} unavailable.
 */
export async function openFor(
  rooms: Pick<Rooms, "open" | "close" | "counter">,
  room: string,
  since: Position | undefined,
  faulted: (error: unknown) => void,
): Promise<Timeline> {
  const refuse = (error: unknown): never => {
    if (!(error instanceof Refusal)) faulted(error);
    throw new Refusal("unavailable", { retryAfterMs: RETRY_MS });
  };
  const timeline = await rooms.open(room).catch(refuse);
  if (since?.epoch !== timeline.epoch || since.version <= timeline.released) return timeline;
  try {
    const end = Math.min(since.version, await rooms.counter(room));
    // Twice: a read in flight may have begun before that version was committed.
    for (let attempt = 0; attempt < 2 && timeline.released < end; attempt++)
      if (!(await timeline.catchUp())) throw new Refusal("unavailable");
    return timeline;
  } catch (error) {
    rooms.close(timeline);
    return refuse(error);
  }
}
