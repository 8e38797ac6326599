import type { ErrorCode } from "../../protocol/codes.ts";
import { PINS_MAX } from "../../protocol/membership.ts";
import type { Pinning, Ruling } from "../change.ts";
import { permits } from "../rights.ts";
import type { Case, PinChange, Verdict } from "./verdict.ts";

/** The pins of rooms during a batch. */
export interface Pins {
  /** What the batch did, in its final state. Deleted messages are here whether they were pinned or not. */
  readonly changed: ReadonlyMap<string, PinChange>;
  in(room: string): ReadonlySet<number>;
  set(change: PinChange): void;
  /** Takes all pins of a room away. */
  clear(room: string): void;
}

/** `known`: the pins of each room as the database has them. */
export function createPins(known: ReadonlyMap<string, readonly number[]> = new Map()): Pins {
  const rooms = new Map<string, Set<number>>();
  const changed = new Map<string, PinChange>();
  const pinsIn = (room: string) => {
    const found = rooms.get(room) ?? new Set(known.get(room));
    rooms.set(room, found);
    return found;
  };
  const set = (change: PinChange) => {
    const { room, id, version } = change;
    if (version === null) pinsIn(room).delete(id);
    else pinsIn(room).add(id);
    changed.set(`${id} ${room}`, change);
  };
  return {
    changed,
    in: pinsIn,
    set,
    clear(room) {
      for (const id of [...pinsIn(room)]) set({ room, id, version: null });
    },
  };
}

/** Decides about a pin: what it does, undefined if it changes nothing, or the reason for a refusal. */
export function changePin(change: Ruling & Pinning, about: Case): Verdict | ErrorCode | undefined {
  const { message: id, on } = change;
  const { room, byOperator, sender, now } = about;
  const archived = room.archived ? "archived" : undefined;
  const refused = byOperator ? archived : permits(sender, "pin", { now });
  if (refused) return refused;
  const message = about.messageOf(id);
  if (!message || id < sender.from) return "not_found";
  if (message.notice) return "notice_fixed";
  const pins = about.pins();
  if (on === pins.has(id)) return undefined;
  if (message.deletedAt) return "not_found";
  if (on && pins.size >= PINS_MAX) return "too_many_pins";
  return {
    notice: { type: on ? "pinned" : "unpinned", message: id },
    users: [],
    takes: false,
    pin: { room: change.room, id, version: on ? about.next : null },
  };
}
