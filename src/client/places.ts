/** A room that takes one of a socket's places. */
export interface Seat {
  /** Whether nobody is subscribed to the room. */
  readonly spare: boolean;
  /** Whether changes of the room wait in the outbox. */
  readonly busy: boolean;
  /** Joins the room, because there is a place. */
  join(): void;
  /** Leaves the room, because another one takes its place. */
  yield(): void;
}

/**
 * The places of a socket: it can be in so many rooms. Rooms with waiting changes and those that were opened last go first;
 * the others wait.
 */
export interface Places {
  /**
   * Returns whether the room may be joined now. Otherwise it is joined later. `first`: the place of another room is taken
   * if there is none.
   */
  take(seat: Seat, first: boolean): boolean;
  free(seat: Seat): void;
}

export function createPlaces(limit: () => number): Places {
  /** The one that was taken longest ago is first. */
  const taken = new Set<Seat>();
  const waiting = new Set<Seat>();

  return {
    take(seat, first) {
      waiting.delete(seat);
      if (!taken.has(seat) && taken.size >= limit()) {
        const others = [...taken].filter(({ busy }) => !busy);
        const other = others.find(({ spare }) => spare) ?? (first || seat.busy ? others[0] : undefined);
        if (!other) {
          waiting.add(seat);
          return false;
        }
        taken.delete(other);
        other.yield();
        waiting.add(other);
      }
      taken.add(seat);
      return true;
    },
    free(seat) {
      waiting.delete(seat);
      if (!taken.delete(seat)) return;
      for (const next of waiting) {
        if (taken.size >= limit()) break;
        waiting.delete(next);
        next.join();
      }
    },
  };
}
