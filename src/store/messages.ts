import { runOrRefuse } from "../db/away.ts";
import { type Database, type Orm, type Pool, rows, sqlState } from "../db/database.ts";
import { type AnsweredRow, answeredOf, commitCarefully } from "./careful.ts";
import { createKnownMembers } from "./known-members.ts";
import { type Outcome, type Post, posted } from "../chat/change.ts";
import { repeated, type Rules } from "../chat/room/decide.ts";
import { type Committed, CommitFailure, type MessageStore } from "../chat/ports.ts";
import { createReading } from "./reading.ts";
import { postAll, readAnswered, readCounters } from "./statements.ts";

/** How long a commit may take before its connections are discarded, in milliseconds. */
const COMMIT_LIMIT_MS = 3_000;
const LANES = 2;

/**
 * Messages in SQL, with any driver. The embedded database has one lane, the others {@link LANES}. Pages are read through
 * `reads`.
 */
export function createMessageStore(database: Database, reads: Pool, rules: Rules = {}): MessageStore {
  const lanes = Array.from({ length: database.driver === "pglite" ? 1 : LANES }, () =>
    database.pool({ connections: 1, limitMs: COMMIT_LIMIT_MS }),
  );

  const known = createKnownMembers();

  async function commitPosts(orm: Orm, posts: readonly Post[]): Promise<Committed> {
    const newcomers = known.newcomers(posts);
    const moved = await rows<MovedRoom>(orm, postAll(posts, newcomers, known.leaversOf));
    const rooms = new Map(moved.map((room) => [room.name, room]));
    // The room's counter is the id of its last post; the ones before it are counted down.
    const outcomes = new Array<Outcome>(posts.length);
    const left: number[] = [];
    for (let index = posts.length - 1; index >= 0; index--) {
      const post = posts[index] as Post;
      const room = rooms.get(post.room);
      if (!room) left.unshift(index);
      else outcomes[index] = newPost(post, room.version--, room.at);
    }
    if (moved[0]) known.seenEpoch(moved[0].epoch);
    if (left.length === 0) {
      if (newcomers.length > 0) known.enrolled(newcomers);
      return { epoch: moved[0]?.epoch ?? "", outcomes };
    }
    // Someone left these rooms for good, so who is a member of them has to be read again. Or a reply there is to nothing.
    const rest = left.map((index) => posts[index] as Post);
    const { epoch, outcomes: theirs } = await commitCarefully(orm, rest, rules, known).catch((error) => {
      throw new CommitFailure("unknown", error); // the others are committed
    });
    left.forEach((index, at) => (outcomes[index] = theirs[at] as Outcome));
    return { epoch, outcomes };
  }

  return {
    lanes: lanes.length,

    async commit(lane, changes, careful) {
      const pool = lanes[lane];
      if (!pool) throw new Error("there is no such lane");
      try {
        const plain = !careful && changes.every((change) => change.kind === "post");
        return await pool.run((orm) =>
          plain ? commitPosts(orm, changes) : commitCarefully(orm, changes, rules, known),
        );
      } catch (error) {
        throw error instanceof CommitFailure ? error : new CommitFailure(failureOf(error), error);
      }
    },

    async answered(change) {
      const [found] = await runOrRefuse(database, (orm) => rows<AnsweredRow>(orm, readAnswered([change])));
      return found && repeated(change, answeredOf(found));
    },

    ...createReading(reads),

    async counters(names) {
      const found = await runOrRefuse(database, (orm) =>
        rows<{ epoch: string; name: string | null; version: number; fence: number }>(
          orm,
          readCounters(names),
        ),
      );
      const epoch = found[0]?.epoch;
      if (epoch === undefined) throw new Error("the database has no epoch");
      known.seenEpoch(epoch);
      const versions = new Map(names.map((name) => [name, 0]));
      const fences = new Map(names.map((name) => [name, 0]));
      for (const { name, version, fence } of found) {
        if (name === null) continue;
        versions.set(name, version);
        fences.set(name, fence);
      }
      return { epoch, versions, fences };
    },
  };
}

interface MovedRoom {
  readonly name: string;
  version: number;
  readonly at: string;
  readonly epoch: string;
}

const newPost = (post: Post, id: number, at: string): Outcome => ({
  ack: { id, version: id, timestamp: at, duplicate: false },
  state: posted(post, id, at),
});

/** 23505: a post was committed before. Other errors in the data (22, 23): some row is invalid. The rest says nothing. */
function failureOf(error: unknown): CommitFailure["kind"] {
  const state = sqlState(error) ?? "";
  if (state === "23505") return "duplicate";
  return /^2[23]/.test(state) ? "invalid" : "unknown";
}
