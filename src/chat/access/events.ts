import { invalid, Refusal } from "../../errors.ts";
import type { Identity } from "../../identity.ts";
import { lengthOf } from "../../message.ts";
import type { Places } from "../../limits/places.ts";
import {
  type Event,
  type EventScope,
  type JournalStore,
  type KeptJournal,
  type Place,
  START,
} from "../eventports.ts";
import type { Tail } from "../room/tail.ts";
import type { Access } from "./access.ts";
import type { EventCursors } from "./eventcursor.ts";

/** Somebody who reads events: a person, or a key, which reads the rooms whose names match a pattern. */
export type EventReader = { readonly person: Identity } | { readonly patterns: readonly string[] };

export interface EventQuery {
  /** A cursor, `start` or `now`. */
  readonly after: string;
  readonly room?: string | undefined;
  /** A pattern of names, in which `*` stands for any run of characters. */
  readonly rooms?: string | undefined;
}

export interface EventPage {
  /** Each with the cursor to continue after it. */
  readonly events: readonly (Omit<Event, "place"> & { readonly cursor: string })[];
  /** Where the next page begins. */
  readonly cursor: string;
  /** More may follow at once. */
  readonly more: boolean;
}

/** What happens in rooms, from one place on. */
export interface EventFeed {
  /** Where the next page begins. */
  readonly cursor: string;
  /** Reads on. @throws {Refusal} epoch_changed; busy, unavailable: then the same page comes again. */
  next(): Promise<EventPage>;
  /** Resolves once there may be more, after `ms`, when `signal` aborts, or when this node stops. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  /** Checks whether the person may still read the only room that they asked for. @throws {Refusal} as `open`. */
  check(): Promise<void>;
}

export interface Events {
  /**
   * Begins after a cursor. @throws {Refusal} invalid; epoch_changed if the cursor belongs to a history that was replaced; those of
   * `enter` for a person who asks for one room; unavailable.
   */
  open(reader: EventReader, query: EventQuery): Promise<EventFeed>;
  /** A row of the journal was appended on this node. */
  appended(seq: number): void;
  /** Whether this node is stopping: then all waiting has ended. */
  readonly stopped: boolean;
  stop(): void;
}

interface EventParts {
  readonly store: KeptJournal | undefined;
  readonly cursors: EventCursors;
  readonly tail: Tail;
  readonly reads: Places;
  readonly access: Pick<Access, "reenter" | "readable" | "membersOnly">;
}

/** Whose place those who are no person take. */
const NOBODY = 0;
/** Statements of one page at most. If they found nothing, its reader is told how far it has come. */
const READS = 20;
/** A page with fewer events and characters than this goes on with another statement, if there is more. */
const FEW = { events: 100, chars: 64 * 1024 } as const;

export function createEvents({ store, cursors, tail, reads, access }: EventParts): Events {
  const check = async (reader: EventReader, room: string | undefined) => {
    if ("person" in reader && room !== undefined) await access.reenter(reader.person, room);
  };

  const scopeOf = (reader: EventReader, { room, rooms }: EventQuery): EventScope => {
    const allowed = "person" in reader ? access.readable(reader.person) : reader.patterns;
    return {
      userId: "person" in reader ? reader.person.userId : null,
      room,
      patterns: [...(allowed ? [allowed] : []), ...(rooms === undefined ? [] : [[rooms]])].filter(
        (some) => !some.includes("*"),
      ),
      membersOnly: access.membersOnly,
    };
  };

  /** Where to begin, and in which epoch. */
  async function begin(from: JournalStore, after: string): Promise<{ epoch: string; place: Place }> {
    const { epoch, place: end } = await from.end();
    if (after === "now") return { epoch, place: end };
    if (after === "start") return { epoch, place: START };
    const marked = cursors.read(after);
    if (!marked) throw invalid({ after: ["must be start, now or a cursor of this server"] });
    // A journal that ends earlier is another one, whatever its epoch says.
    if (!marked.isOf(epoch) || marked.place.seq > end.seq) throw new Refusal("epoch_changed");
    return { epoch, place: marked.place };
  }

  return {
    async open(reader, query) {
      if (!store) throw new Refusal("not_found");
      const scope = scopeOf(reader, query);
      await check(reader, query.room);
      await store.wanted();
      const { epoch, ...begun } = await begin(store, query.after);
      let { place } = begun;
      /** What this node had heard of before the last page was read: what it hears of meanwhile may not be on it. */
      let { news } = tail;
      const holder = scope.userId ?? NOBODY;

      /** Reads until the page is worth sending, so far as one page may look. */
      async function next(from: KeptJournal): Promise<EventPage> {
        const events: EventPage["events"][number][] = [];
        let size = 0;
        let end = place;
        void from.wanted();
        news = tail.news;
        for (let round = 1; ; round++) {
          const page = await from.read(scope, end);
          if (page.epoch !== epoch || page.head < end.seq) throw new Refusal("epoch_changed");
          end = page.end;
          for (const { place: at, ...event } of page.events) {
            size += lengthOf(event.message);
            events.push({ ...event, cursor: cursors.write(epoch, at) });
          }
          const isFew = events.length < FEW.events && size < FEW.chars;
          if (isFew && page.more && round < READS && !tail.stopped) continue;
          // Not before: if a statement fails, the ones before it are repeated.
          place = end;
          return { events, cursor: cursors.write(epoch, place), more: page.more };
        }
      }

      return {
        get cursor() {
          return cursors.write(epoch, place);
        },
        next: () => reads.run(holder, () => next(store)),
        wait: (ms, signal) => tail.wait({ seq: place.seq, news }, ms, signal),
        check: () => check(reader, query.room),
      };
    },
    appended: tail.appended,
    get stopped() {
      return tail.stopped;
    },
    stop: tail.stop,
  };
}
