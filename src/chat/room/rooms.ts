import type { Bus } from "../../bus/bus.ts";
import { type Clock, every } from "../../clock.ts";
import type { Message, RoomChange } from "../../message.ts";
import type { MessageStore } from "../ports.ts";
import type { Standing } from "./fences.ts";
import { createTimeline, type Timeline } from "./timeline.ts";

/** The most versions in a range that a node accepts from another one without a look into the database. No batch has more. */
const RANGE_MAX = 5_000;
/** How often rooms are compared with their counters in the database, in milliseconds. */
const CHECK_MS = 1_000;
/** The most rooms that one statement compares: commits pass between two of them, however many rooms are open. */
const COMPARED = 1_000;

interface RoomsOptions {
  readonly store: Pick<MessageStore, "counters" | "changesSince" | "postsSince">;
  readonly bus: Bus;
  readonly clock: Clock;
  /** The database's epoch at the start. */
  readonly epoch: string;
  /** Prepares the publication of a range: see {@link Timeline}. */
  prepare(room: string, states: readonly Message[], known: number): (() => void) | undefined;
  /** A notice was released that takes rights: see {@link Timeline}. */
  noticed(timeline: Timeline, notice: Message): void;
  /** Suspends every reader: see {@link Timeline}. */
  suspend(timeline: Timeline): void;
  /** Makes live readers page from the database: see {@link Timeline}. */
  overrun(timeline: Timeline): () => void;
  repaired(room: string, found: number, failure?: unknown): void;
  /** Called after more of a room had been released than the database has. */
  setBack(room: string, from: number, to: number): void;
  /** Called after each comparison with the counters, with the error if the database did not respond. */
  checked(failure?: unknown): void;
  /** Called if the epoch changed: versions of the old one mean nothing, so every reader must start again. */
  epochChanged(epoch: string): void;
}

/** The rooms with readers on this node. Each has a timeline, from its first reader to its last. */
export interface Rooms {
  readonly epoch: string;
  /** Resolves to the room's timeline once it is ready. Give it back to `close`. Rejects if the database is away. */
  open(room: string): Promise<Timeline>;
  close(timeline: Timeline): void;
  /** Whether a room has readers on this node. */
  isOpen(room: string): boolean;
  /** The last version that was released to readers here; undefined if there are none. */
  released(room: string): number | undefined;
  /** Reads the room's counter from the database; 0: no messages. Rejects if the database is away. */
  counter(room: string): Promise<number>;
  /** Resolves once this version of a room was released to its readers here, at once if there are none. */
  reached(room: string, version: number): Promise<void>;
  /** Takes a range that was committed on this node. */
  committed(change: RoomChange): void;
  /** Takes note that the database has this version of a room, or this epoch. */
  noticed(room: string, version: number, epoch: string): void;
  stop(): void;
}

/** Whether a range from another node can have been committed. The timeline looks up all others in the database. */
const isPlausible = ({ from, to, states }: RoomChange) =>
  to - from < RANGE_MAX && states.at(-1)?.version === to;

interface Entry {
  readonly timeline: Timeline;
  readonly ready: Promise<unknown>;
  isReady: boolean;
  readers: number;
}

export function createRooms(options: RoomsOptions): Rooms {
  const { store, bus, clock, prepare, overrun, repaired, setBack, checked, epochChanged } = options;
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
      noticed: (notice) => options.noticed(timeline, notice),
      suspend: () => options.suspend(timeline),
      overrun: () => overrun(timeline),
      repaired: (found, failure) => repaired(room, found, failure),
      setBack: (from, to) => setBack(room, from, to),
      epochChanged: renew,
    });
    // The counter is read once the bus subscription is active, so that nothing falls between the two.
    const ready = bus.subscribe(room).then(async () => {
      const { epoch: current, versions, fences } = await store.counters([room]);
      renew(current);
      timeline.start(versions.get(room) ?? 0, fences.get(room) ?? 0);
      entry.isReady = true;
    });
    const entry: Entry = { timeline, ready, isReady: false, readers: 0 };
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
    const open = [...entries.values()].map(({ timeline }) => timeline);
    try {
      // Without rooms too: it also finds a new epoch, and whether the database is away.
      for (let from = 0; from === 0 || from < open.length; from += COMPARED) {
        const some = open.slice(from, from + COMPARED);
        const before = some.map(({ released, fence }) => ({ released, fence }));
        const { epoch: current, versions, fences } = await store.counters(some.map(({ room }) => room));
        renew(current);
        some.forEach((timeline, index) => {
          const { room } = timeline;
          const found = { released: versions.get(room) ?? 0, fence: fences.get(room) ?? 0 };
          timeline.confirm(found, before[index] as Standing);
        });
      }
      checked();
    } catch (failure) {
      checked(failure);
    }
  }

  bus.listen({
    heard(news) {
      // Changes of another epoch are ignored. Only the database decides that the epoch changed.
      if (!("epoch" in news) || news.epoch !== epoch) return;
      const timeline = entries.get(news.room)?.timeline;
      if (news.type === "moved") timeline?.notice(news.version);
      else if (isPlausible(news)) timeline?.add(news);
      else timeline?.notice(news.to);
    },
    restored: () => void check(),
  });
  const stopChecking = every(clock, CHECK_MS, check);

  return {
    get epoch() {
      return epoch;
    },
    async open(room) {
      for (;;) {
        const entry = entries.get(room) ?? begin(room);
        entry.readers++;
        try {
          await entry.ready;
        } catch (error) {
          end(room, entry);
          throw error;
        }
        // If the epoch changed meanwhile, that timeline has ended.
        if (entries.get(room) === entry) return entry.timeline;
      }
    },
    close(timeline) {
      const entry = entries.get(timeline.room);
      if (entry?.timeline === timeline && --entry.readers === 0) end(timeline.room, entry);
    },
    isOpen: (room) => entries.has(room),
    released(room) {
      const entry = entries.get(room);
      return entry?.isReady ? entry.timeline.released : undefined;
    },
    reached: async (room, version) => entries.get(room)?.timeline.reached(version),
    async counter(room) {
      const { epoch: current, versions } = await store.counters([room]);
      renew(current);
      return versions.get(room) ?? 0;
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
