import { Refusal } from "../../errors.ts";
import type { Identity } from "../../identity.ts";
import type { Position } from "../../protocol/frames.ts";
import type { Pass } from "../pass.ts";
import type { Reading } from "../ports.ts";
import { openFor } from "../room/catchup.ts";
import type { Timeline } from "../room/timeline.ts";
import type { Codec } from "./codec.ts";
import type { ConnectionParts } from "./parts.ts";

/** A connection that joins a room. */
interface Comer {
  readonly identity: Identity;
  readonly codec: Pick<Codec, "canRestart">;
  readonly parts: Pick<ConnectionParts, "access" | "rooms" | "members" | "faulted">;
  /** Whether it may join one room more. */
  hasPlaceFor(room: string): boolean;
}

export interface Arrival {
  readonly pass: Pass;
  readonly reading: Reading;
  /** Give it back to `rooms.close`. */
  readonly timeline: Timeline;
  /** Where the room was when its reader came. */
  readonly begins: number;
}

/**
 * Lets someone into a room: checks access, makes them a member and opens the room's timeline. A protocol that cannot say where
 * a reader begins promises everything since the socket was opened, so then the room is opened first.
 * @throws {AccessDenied}; {@link Refusal} too_many_rooms, rate_limited, busy, unavailable.
 */
export async function arrive(comer: Comer, room: string, since: Position | undefined): Promise<Arrival> {
  const { access, rooms, members, faulted } = comer.parts;
  const open = async () => {
    const released = rooms.released(room);
    const timeline = await openFor(rooms, room, since, faulted);
    return { timeline, begins: Math.min(released ?? timeline.released, timeline.released) };
  };
  const opened = comer.codec.canRestart ? undefined : open();
  opened?.catch(() => {}); // it is awaited below, if nothing else fails before
  try {
    const pass = await access.reenter(comer.identity, room); // memory may be older than `since`, and than who is back
    if (!comer.hasPlaceFor(room)) throw new Refusal("too_many_rooms");
    const reading = await members.join(pass);
    return { pass, reading, ...(await (opened ?? open())) };
  } catch (error) {
    opened?.then(
      ({ timeline }) => rooms.close(timeline),
      () => {},
    );
    throw error;
  }
}
