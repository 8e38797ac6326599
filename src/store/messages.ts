import { runOrRefuse } from "../db/away.ts";
import { type Database, type Orm, type Pool, rows, sqlState } from "../db/database.ts";
import { type AnsweredRow, answeredOf, commitCarefully } from "./careful.ts";
import { createKnownMembers } from "./known-members.ts";
import { type Change, NO_FENCE, type Outcome, type Post, posted, SYSTEM_ID } from "../chat/change.ts";
import { isSecret } from "../chat/rights.ts";
import { repeated, type Rules } from "../chat/room/decide.ts";
import { saysMentions } from "../chat/room/mentioning.ts";
import { type Committed, CommitFailure, type MessageStore } from "../chat/ports.ts";
import { createReading } from "./reading.ts";
import { isByKey } from "./origins.ts";
import { postAll } from "./posting.ts";
import { readAnswered, readCounters } from "./statements.ts";

/** How long a commit may take before its connections are discarded, in milliseconds. */
const COMMIT_LIMIT_MS = 3_000;
const LANES = 2;
/** After five executions Postgres decides whether to keep the plan of a statement. */
const WARMED = 6;

/**
 * Messages in SQL, with any driver. The embedded database has one lane, the others {@link LANES}. Pages are read through
 * `reads`.
 */
export function createMessageStore(
  database: Database,
  reads: Pool,
  rules: Rules = {},
): MessageStore & { warm(): Promise<void> } {
  const lanes = Array.from({ length: database.driver === "pglite" ? 1 : LANES }, () =>
    database.pool({ connections: 1, limitMs: COMMIT_LIMIT_MS }),
  );

  const known = createKnownMembers();

  async function commitPosts(orm: Orm, posts: readonly Post[]): Promise<Committed> {
    const newcomers = known.newcomers(posts.filter(({ senderId }) => senderId !== SYSTEM_ID));
    const { fences, unclear } = fencesOf(posts);
    // Only members post there, and these are perhaps none.
    if (rules.membersOnly) for (const { room } of newcomers) if (fences.delete(room)) unclear.add(room);
    const clear = unclear.size === 0 ? posts : posts.filter(({ room }) => !unclear.has(room));
    if (clear.length === 0) return { epoch: "", outcomes: posts.map(() => null) };
    const moved = await rows<MovedRoom>(orm, postAll(clear, newcomers, known.leaversOf, fences));
    const rooms = new Map(moved.map((room) => [room.name, room]));
    // The room's counter is the id of its last post; the ones before it are counted down.
    const outcomes = new Array<Outcome | null>(posts.length);
    let complete = true;
    for (let index = posts.length - 1; index >= 0; index--) {
      const post = posts[index] as Post;
      const room = rooms.get(post.room);
      complete &&= room !== undefined;
      outcomes[index] = room ? newPost(post, room.version--, room.at) : null;
    }
    const epoch = moved[0]?.epoch;
    if (epoch !== undefined) known.seenEpoch(epoch);
    if (complete && newcomers.length > 0) known.enrolled(newcomers);
    return { epoch: epoch ?? "", outcomes };
  }

  /** Opens the lane's connection, and lets the database plan the statement, by batches without messages. */
  async function warm(lane: Pool): Promise<void> {
    const statement = postAll([], [], () => 0, new Map());
    for (let times = 0; times < WARMED; times++) await lane.run((orm) => rows(orm, statement));
  }

  return {
    lanes: lanes.length,

    // A lane that cannot be warmed is only slower at first.
    warm: async () => void (await Promise.allSettled(lanes.map(warm))),

    async commit(lane, changes, careful) {
      const pool = lanes[lane];
      if (!pool) throw new Error("there is no such lane");
      try {
        const plain = !careful && changes.every(isPlain);
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

/**
 * Files are attached with their rows locked, the first message of a thread has to be found, mentions depend on what those
 * people may read then, and what a key does leaves a row that says so.
 */
const isPlain = (change: Change): change is Post =>
  change.kind === "post" && !change.files && !change.thread && !saysMentions(change) && !isByKey(change);

/**
 * The fence of each room of a batch. `unclear`: rooms whose posts have different ones, so that not all of their senders can
 * have been allowed to post at the present one; rooms with a post that has none; and rooms that no post may create.
 */
function fencesOf(posts: readonly Post[]) {
  const fences = new Map<string, number>();
  const unclear = new Set<string>();
  for (const { room, fence } of posts) {
    const first = fences.get(room);
    if (first === undefined) fences.set(room, fence);
    const isUnclear = fence === NO_FENCE || (first !== undefined && first !== fence);
    if (isUnclear || (fence === 0 && isSecret(room))) unclear.add(room);
  }
  for (const room of unclear) fences.delete(room);
  return { fences, unclear };
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
