import { type Database, isDatabaseAway, type Orm, rows, sqlState } from "../db/database.ts";
import { Refusal } from "../errors.ts";
import type { Message, Reaction } from "../message.ts";
import { commitCarefully } from "./careful.ts";
import type { Outcome, Post } from "../chat/room/change.ts";
import { inOrder, posted, type Rules } from "../chat/room/decide.ts";
import { cutToSize } from "../chat/room/pages.ts";
import { type Committed, CommitFailure, type Store } from "../chat/ports.ts";
import { PAGE_ROWS, postAll, readChanges, readCounters, readMessages } from "./statements.ts";

/** How long a commit may take before its connections are thrown away, in milliseconds. */
const COMMIT_LIMIT_MS = 3_000;
const LANES = 2;
/** When a read that found no database may be tried again, in milliseconds. */
const RETRY_MS = 2_000;

interface MessageRow extends Omit<Message, "reactions"> {
  reactions: string | null;
  epoch: string;
  counter: number;
}

/** One page of a room's history by message id. */
export interface HistoryPage {
  readonly epoch: string;
  readonly counter: number;
  /** Oldest first. */
  readonly messages: readonly Message[];
}

/** The store with what history asks of it besides. */
export interface MessageStore extends Store {
  /** At most `limit` messages by id: the first after one, or the last before one. */
  messages(room: string, range: { after: number } | { before: number }, limit: number): Promise<HistoryPage>;
}

/** The messages in the database, on any driver. The embedded database has one lane, others have {@link LANES}. */
export function createStore(database: Database, rules: Rules = {}): MessageStore {
  const lanes = Array.from({ length: database.driver === "pglite" ? 1 : LANES }, () =>
    database.pool({ connections: 1, limitMs: COMMIT_LIMIT_MS }),
  );

  /** Reads; a database that is away is no fault of ours but an answer: `unavailable`. */
  const read = <T>(work: (orm: Orm) => Promise<T>): Promise<T> =>
    database.run(work).catch((error: unknown) => {
      throw isDatabaseAway(error) ? new Refusal("unavailable", { retryAfterMs: RETRY_MS }) : error;
    });

  async function readPage(statement: ReturnType<typeof readChanges>): Promise<HistoryPage> {
    const found = await read((orm) => rows<MessageRow>(orm, statement));
    const { epoch, counter } = found[0] ?? {};
    if (epoch === undefined || counter === undefined) throw new Error("the database has no epoch");
    return { epoch, counter, messages: found.filter((row) => row.id !== null).map(messageOf) };
  }

  return {
    lanes: lanes.length,

    async commit(lane, changes, careful) {
      const pool = lanes[lane];
      if (!pool) throw new Error("there is no such lane");
      try {
        const plain = !careful && changes.every((change) => change.kind === "post");
        return await pool.run((orm) =>
          plain ? commitPosts(orm, changes) : commitCarefully(orm, changes, rules),
        );
      } catch (error) {
        throw new CommitFailure(failureOf(error), error);
      }
    },

    async changesSince(room, after) {
      const found = await readPage(readChanges(room, after));
      return cutToSize({ ...found, limit: PAGE_ROWS }, ({ version }) => version);
    },

    async postsSince(room, after) {
      const found = await readPage(readMessages(room, { after }, PAGE_ROWS));
      return cutToSize({ ...found, limit: PAGE_ROWS }, ({ id }) => id);
    },

    messages: (room, range, limit) => readPage(readMessages(room, range, limit)),

    async counters(names) {
      const found = await read((orm) =>
        rows<{ epoch: string; name: string | null; version: number }>(orm, readCounters(names)),
      );
      const epoch = found[0]?.epoch;
      if (epoch === undefined) throw new Error("the database has no epoch");
      const versions = new Map(names.map((name) => [name, 0]));
      for (const { name, version } of found) if (name !== null) versions.set(name, version);
      return { epoch, versions };
    },
  };
}

async function commitPosts(orm: Orm, posts: readonly Post[]): Promise<Committed> {
  const moved = await rows<{ name: string; version: number; at: string; epoch: string }>(orm, postAll(posts));
  const rooms = new Map(moved.map((room) => [room.name, room]));
  // The room's counter is that of its last post; those before it are counted down to.
  const outcomes = new Array<Outcome>(posts.length);
  const next = new Map(moved.map((room) => [room.name, room.version]));
  for (let index = posts.length - 1; index >= 0; index--) {
    const post = posts[index] as Post;
    const id = next.get(post.room) ?? 0;
    next.set(post.room, id - 1);
    const timestamp = rooms.get(post.room)?.at ?? "";
    outcomes[index] = {
      ack: { id, version: id, timestamp, duplicate: false },
      state: posted(post, id, timestamp),
    };
  }
  return { epoch: moved[0]?.epoch ?? "", outcomes };
}

/** 23505: a post is there already. Other errors in the data (22, 23) are some row's fault. The rest tells nothing. */
function failureOf(error: unknown): CommitFailure["kind"] {
  const state = sqlState(error) ?? "";
  if (state === "23505") return "duplicate";
  return /^2[23]/.test(state) ? "invalid" : "unknown";
}

/** A page's row as a message; reactions come as JSON, and null where there are none. */
const messageOf = ({ epoch: _, counter: __, reactions, ...message }: MessageRow): Message => ({
  ...message,
  reactions: reactions === null ? [] : inOrder(JSON.parse(reactions) as Reaction[]),
});
