import { Refusal } from "../../errors.ts";
import type { Identity } from "../../identity.ts";
import type { Places } from "../../limits/places.ts";
import type { Message } from "../../message.ts";
import type { Follows } from "../ephemeral/follows.ts";
import type { Pass } from "../pass.ts";
import type {
  ListedThread,
  ThreadPlace,
  ThreadRange,
  ThreadSeat,
  ThreadStore,
  ThreadWish,
} from "../threadports.ts";
import type { Fit, History, HistoryQuery, HistoryResult } from "../room/history.ts";
import type { Access } from "./access.ts";

/** A page of a thread. */
export interface ThreadPage extends HistoryResult {
  /** The first message of the thread, which may be deleted. */
  readonly root: Message;
  readonly seat: ThreadSeat;
}

export interface ThreadList {
  readonly threads: readonly ListedThread[];
  /** The cursor to continue from; undefined on the last page. */
  readonly next: string | undefined;
}

/** Which threads to list. */
export interface ThreadsQuery extends Pick<ThreadRange, "all" | "limit"> {
  /** The cursor of a page before; undefined for the first page. */
  readonly before: string | undefined;
}

export interface Threads {
  /**
   * Returns a page of the replies in a thread, and its first message. Anyone who does not see the first message has no thread.
   * @throws {Refusal} not_found, busy, unavailable; forbidden and so on.
   */
  page(pass: Pass, root: number, query: HistoryQuery, fit: Fit): Promise<ThreadPage>;
  /**
   * Changes what the pass' holder keeps about a thread, and tells their other sockets. `by` is the connection whose client
   * already knows. @throws {Refusal} not_found, unavailable.
   */
  change(pass: Pass, root: number, wish: ThreadWish, by?: object): Promise<ThreadSeat>;
  /** Lists the threads that a person follows, in rooms that they may enter. @throws {Refusal} invalid, busy, unavailable. */
  list(person: Identity, query: ThreadsQuery): Promise<ThreadList>;
}

interface ThreadsParts {
  readonly store: ThreadStore;
  readonly history: History;
  readonly reads: Places;
  readonly follows: Follows;
  readonly access: Pick<Access, "readable">;
}

export function createThreads({ store, history, reads, follows, access }: ThreadsParts): Threads {
  return {
    async page(pass, root, query, fit) {
      const { person, room } = pass;
      const found = await history.page(pass, { after: root - 1, limit: 1 }, fit);
      const [first] = found.messages;
      if (first?.id !== root || first.thread !== null) throw new Refusal("not_found");
      const page = await history.page(pass, { ...query, thread: root, main: false }, fit);
      const seat = await store.seat({ userId: person.userId, room }, root);
      return { ...page, root: first, seat };
    },
    async change(pass, root, wish, by) {
      const { person, room, membership } = pass;
      const seat =
        root < membership.from ? null : await store.change({ userId: person.userId, room }, root, wish);
      if (!seat) throw new Refusal("not_found");
      follows.changed(pass, root, seat, by);
      return seat;
    },
    async list(person, { before, ...query }) {
      const place = before === undefined ? null : placeIn(before);
      const patterns = access.readable(person);
      if (patterns?.length === 0) return { threads: [], next: undefined };
      const { userId } = person;
      const { threads, next } = await reads.run(userId, () =>
        store.list(userId, { ...query, before: place, patterns }),
      );
      return { threads, next: next && cursorOf(next) };
    },
  };
}

/** A cursor names a thread that its reader has just seen, and nothing else of the server. */
const cursorOf = ({ at, room, root }: ThreadPlace): string =>
  Buffer.from(`${at} ${root} ${room}`).toString("base64url");

/** @throws {Refusal} invalid. */
function placeIn(cursor: string): ThreadPlace {
  const [, at, root, room] =
    /^(\d{1,16}) (\d{1,16}) (\S{1,256})$/.exec(Buffer.from(cursor, "base64url").toString()) ?? [];
  if (room === undefined || room.includes("\0"))
    throw new Refusal("invalid", { errors: { before: ["must be a cursor of this list"] } });
  return { at: Number(at), root: Number(root), room };
}
