import type { Bus } from "../../bus/bus.ts";
import { type Clock, every } from "../../clock.ts";
import type { Message, RoomChange } from "../../message.ts";
import type { Store } from "../ports.ts";
import { createTimeline, type Timeline } from "./timeline.ts";

/** How often the rooms are held against their counters in the database, in milliseconds. */
const CHECK_MS = 1_000;

interface RoomsOptions {
  readonly store: Store;
  readonly bus: Bus;
  readonly clock: Clock;
  /** The database's epoch when this was made. */
  readonly epoch: string;
  /** A range was released: see {@link Timeline}. */
  prepare(room: string, states: readonly Message[], known: number): (() => void) | undefined;
  /** Who is live in the room has to read on by itself: see {@link Timeline}. */
  overrun(timeline: Timeline): () => void;
  repaired(room: string, found: number, failure?: unknown): void;
  /** The rooms were held against their counters; or the database did not answer. */
  checked(failure?: unknown): void;
  /** Every version that was given out means nothing any more: whoever is in a room has to begin anew. */
  epochChanged(epoch: string): void;
}

/** The rooms that someone here is in: a timeline each, which begins with the first and ends with the last of them. */
export interface Rooms {
  readonly epoch: string;
  /** The room's timeline, ready; it is to be given back by `leave`. Rejects when the database is away. */
  enter(room: string): Promise<Timeline>;
  leave(timeline: Timeline): void;
  /** A range was committed here. */
  committed(change: RoomChange): void;
  /** The database was seen to hold this version of a room, or this epoch. */
  noticed(room: string, version: number, epoch: string): void;
  stop(): void;
}

interface Entry {
  readonly timeline: Timeline;
  readonly ready: Promise<unknown>;
  people: number;
}

export function createRooms(options: RoomsOptions): Rooms {
  const { store, bus, clock, prepare, overrun, repaired, checked, epochChanged } = options;
  const entries = new Map<string, Entry>();
  let epoch = options.epoch;

  const renew = (newEpoch: string) => {
    if (newEpoch === epoch) return;
    epoch = newEpoch;
    for (const [room, { timeline }] of entries) {
      timeline.stop();
      bus.unsubscribe(room);
    }
    entries.clear();
    epochChanged(newEpoch);
  };

  const begin = (room: string): Entry => {
    const timeline = createTimeline({
      room,
      epoch,
      store,
      clock,
      prepare: (states, known) => prepare(room, states, known),
      overrun: () => overrun(timeline),
      repaired: (found, failure) => repaired(room, found, failure),
      epochChanged: renew,
    });
    // The counter is read after the bus' subscription stands, so that nothing falls between the two.
    const ready = bus.subscribe(room).then(async () => {
      const { epoch: current, versions } = await store.counters([room]);
      renew(current);
      timeline.start(versions.get(room) ?? 0);
    });
    const entry = { timeline, ready, people: 0 };
    entries.set(room, entry);
    return entry;
  };

  const end = (room: string, entry: Entry) => {
    if (entries.get(room) !== entry) return;
    entries.delete(room);
    entry.timeline.stop();
    bus.unsubscribe(room);
  };

  async function check(): Promise<void> {
    try {
      const { epoch: current, versions } = await store.counters([...entries.keys()]);
      renew(current);
      for (const [room, version] of versions) entries.get(room)?.timeline.notice(version);
      checked();
    } catch (failure) {
      checked(failure);
    }
  }

  bus.listen({
    heard(news) {
      // A change of another epoch says nothing; that there is another one is for the database to say.
      if (!("epoch" in news) || news.epoch !== epoch) return;
      const timeline = entries.get(news.room)?.timeline;
      if (news.type === "changed") timeline?.add(news);
      else timeline?.notice(news.version);
    },
    restored: () => void check(),
  });
  const stopChecking = every(clock, CHECK_MS, check);

  return {
    get epoch() {
      return epoch;
    },
    async enter(room) {
      for (;;) {
        const entry = entries.get(room) ?? begin(room);
        entry.people++;
        try {
          await entry.ready;
        } catch (error) {
          end(room, entry);
          throw error;
        }
        // Not so where the epoch has changed meanwhile: that timeline is over.
        if (entries.get(room) === entry) return entry.timeline;
      }
    },
    leave(timeline) {
      const entry = entries.get(timeline.room);
      if (entry?.timeline === timeline && --entry.people === 0) end(timeline.room, entry);
    },
    committed(change) {
      renew(change.epoch);
      entries.get(change.room)?.timeline.add(change);
      bus.publish({ type: "changed", ...change });
    },
    noticed(room, version, current) {
      renew(current);
      entries.get(room)?.timeline.notice(version);
    },
    stop() {
      stopChecking();
      for (const [room, entry] of entries) end(room, entry);
    },
  };
}
