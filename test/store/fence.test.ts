import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import type { Change, Outcome, Post } from "../../src/chat/change.ts";
import { createCommitter } from "../../src/chat/room/committer.ts";
import type { MessageStore } from "../../src/chat/ports.ts";
import { systemClock } from "../../src/clock.ts";
import { type Database, rows } from "../../src/db/database.ts";
import { renewEpoch } from "../../src/db/meta.ts";
import { createStore } from "../../src/store/store.ts";
import { completing, onEachDriver, post, type Stocked, stock } from "../chat/stocked.ts";
import { rulingsOf } from "../chat/rulings.ts";
import { START_MS } from "../support/house.ts";
import { ORDER } from "../support/order.ts";
import { until } from "../support/until.ts";

// Nothing that someone sends is committed after they were removed, whatever two processes do at the same moment.

/** How often someone is removed while they post. `TEST_REMOVALS=2000` takes minutes. */
const REMOVALS = Number(process.env.TEST_REMOVALS ?? 10);

onEachDriver((open) => {
  let at: Stocked;
  /** The stores of two processes, and the database of the second one. */
  let here: MessageStore;
  let there: MessageStore;
  let second: Database;
  let room: string;
  let ada: ReturnType<typeof rulingsOf>;

  beforeAll(async () => {
    at = await stock(open);
    const isEmbedded = at.database.driver === "pglite";
    second = isEmbedded ? at.database : await at.database.again();
    here = createStore(at.database).messages;
    there = createStore(second).messages;
    ada = rulingsOf({ userId: at.ada, username: "ada" });
  }, START_MS);
  afterAll(async () => {
    if (second !== at.database) await second.close();
    await at.database.close();
  });
  beforeEach(async () => {
    room = `~${crypto.randomUUID()}`;
    await here.commit(0, [ada.create(room, { kind: "private", people: [at.ben] })], true);
  });

  const say = (fence: number, more: Partial<Post> = {}) => post(at.ben, room, "hello", { fence, ...more });
  const add = () => ada.appoint(room, "in", [at.ben]);
  const remove = () => ada.appoint(room, "out", [at.ben]);
  const results = (outcomes: readonly (Outcome | null)[]) =>
    outcomes.map((outcome) => outcome && ("refused" in outcome ? outcome.refused : outcome.ack.id));
  const commit = async (store: MessageStore, changes: Change[], careful = false) =>
    results((await store.commit(0, changes, careful)).outcomes);
  const read = <T>(statement: ReturnType<typeof sql>) => at.database.run((orm) => rows<T>(orm, statement));

  test("posts at the room's fence are committed in one statement; those at another one are left to the careful path", async () => {
    expect(await commit(here, [say(1), say(1)])).toEqual([2, 3]);
    await here.commit(0, [remove()], true);
    const elsewhere = say(0, { room: room.slice(1) });
    expect(await commit(there, [say(1), elsewhere, say(1)])).toEqual([null, 1, null]);
    expect(await commit(completing(there), [say(1), say(2)])).toEqual(["forbidden", "forbidden"]);
    await here.commit(0, [add()], true);
    expect(await commit(there, [say(2), say(2)])).toEqual([6, 7]);
    // One batch with two fences: a stale one among them must not pass with the new one, nor fail the statement.
    expect(await commit(there, [say(2), say(1), { ...elsewhere, clientId: crypto.randomUUID() }])).toEqual([
      null,
      null,
      2,
    ]);
  });

  test("a post creates no room that the server named, nor one in which someone once lost a right", async () => {
    const gone = { room: `gone-${room.slice(1)}` };
    const named = { room: `${room}x` };
    expect(await commit(here, [say(0, named), say(3, named), say(3, gone)])).toEqual([null, null, null]);
    expect(await commit(here, [say(0, named), say(3, named)], true)).toEqual(["not_found", "not_found"]);
    expect(await read(sql`select name from rooms where name in (${gone.room}, ${named.room})`)).toEqual([]);
  });

  test("a new epoch moves the fences, so passes from before it are void", async () => {
    const open = `open-${room.slice(1)}`;
    await commit(here, [say(0, { room: open })]);
    await renewEpoch(at.database, ORDER);
    const { fences } = await here.counters([room, open]);
    expect(fences.get(room)).toBeGreaterThan(1_000);
    expect(fences.get(open)).toBe(0);
  });

  /** Commits a removal that is being written while `work` runs, once that waits for it. */
  async function whileRemoving<T>(work: () => Promise<T>): Promise<T> {
    const written = Promise.withResolvers<void>();
    const waiting = Promise.withResolvers<void>();
    const removal = at.database.run((orm) =>
      orm.transaction(async (tx) => {
        await rows(tx, sql`update rooms set version = version + 1, fence = fence + 1 where name = ${room}`);
        await rows(
          tx,
          sql`update members set state = 'removed' where user_id = ${at.ben}
            and room_id = (select id from rooms where name = ${room})`,
        );
        written.resolve();
        await waiting.promise;
      }),
    );
    await written.promise;
    const done = work();
    const isWaiting = sql`select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    await until(async () => (await read(isWaiting)).length > 0);
    waiting.resolve();
    await removal;
    return done;
  }

  // The reason for the fence. The statement's snapshot is older than the lock that it waits for, so what it reads besides
  // the locked row is out of date. The locked row is evaluated anew.
  test("a post that waits for a removal does not see it in the members that its statement reads, but in the fence", async () => {
    if (at.database.driver === "pglite") return; // one connection
    const checked = sql`with moved as (
        insert into rooms as r (name, version) values (${room}, 1)
        on conflict (name) do update set version = r.version + 1 returning r.id, r.version
      )
      select m.version from moved m
      where (select state from members where room_id = m.id and user_id = ${at.ben}) = 'in'`;
    const late = await whileRemoving(() => second.run((orm) => rows(orm, checked)));
    expect(late).toHaveLength(1); // it would post after the removal
    await here.commit(0, [add()], true);
    expect(await whileRemoving(() => commit(there, [say(2)]))).toEqual([null]);
  });

  test(`someone who is removed ${REMOVALS} times while they post has nothing committed after any of them`, async () => {
    const [first, other] = [completing(here), completing(there)];
    const posts: { id: number; fence: number }[] = [];
    const removals: { id: number; fence: number }[] = [];
    for (let round = 1; round <= REMOVALS; round++) {
      // Posts of several batches, at a fence that is the present one until the removal.
      const batches = [1, 3, 2].map((size) => Array.from({ length: size }, () => say(round)));
      const [removal, ...sent] = await Promise.all([
        (round % 3 === 0 ? Bun.sleep(1) : Promise.resolve()).then(() => commit(first, [remove()], true)),
        ...batches.map((batch, index) => commit(index === 2 ? first : other, batch, round % 5 === 0)),
      ]);
      removals.push({ id: Number(removal?.[0]), fence: round });
      for (const result of sent.flat())
        if (typeof result === "number") posts.push({ id: result, fence: round });
        else expect(result).toBe("forbidden");
      await first.commit(0, [add()], true);
    }
    const late = posts.filter(({ id, fence }) => id > (removals[fence - 1]?.id ?? 0));
    expect(late).toEqual([]);
    const stored = await read<{ id: number }>(sql`select id::float8 as id from messages
      where notice is null and room_id = (select id from rooms where name = ${room}) order by id`);
    expect(stored.map(({ id }) => id)).toEqual(posts.map(({ id }) => id).sort((a, b) => a - b));
    const counter = posts.length + 2 * REMOVALS + 1;
    expect((await here.counters([room])).versions.get(room)).toBe(counter);
  }, 600_000);

  test("a batch that is fenced off is answered completely, in order, before the lane's next batch", async () => {
    const published: string[] = [];
    const committer = createCommitter({
      store: here,
      clock: systemClock,
      submitted() {},
      answered() {},
      committed: ({ from, to }) => void published.push(`${from}-${to}`),
      repeated() {},
      measured() {},
      failed(failure) {
        throw failure;
      },
    });
    const answers: string[] = [];
    const submit = (change: Change) =>
      committer.submit(change, (answer) =>
        answers.push(
          "code" in answer
            ? answer.code
            : `${"content" in change ? change.content : change.kind} ${answer.id}`,
        ),
      );
    const cy = post(at.ada, room, "first", { fence: 1 });
    for (const change of [
      cy,
      remove(),
      say(1, { content: "late" }),
      post(at.ada, room, "second", { fence: 1 }),
    ])
      submit(change);
    await until(() => answers.length === 4);
    submit(post(at.ada, room, "third", { fence: 1 }));
    submit(say(1));
    submit(post(at.ada, room, "fourth", { fence: 2 }));
    await committer.drain();
    expect(answers).toEqual([
      "first 2",
      "member 3",
      "forbidden",
      "second 4",
      "third 5",
      "forbidden",
      "fourth 6",
    ]);
    expect(published).toEqual(["2-4", "5-6"]);
  });
});
