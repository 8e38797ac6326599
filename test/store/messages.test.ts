import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import * as fc from "fast-check";
import { CommitFailure } from "../../src/chat/ports.ts";
import type { Post } from "../../src/chat/change.ts";
import { START_MS } from "../support/house.ts";
import { acksOf, onEachDriver, post, type Stocked, stock } from "../chat/stocked.ts";
import { upTo, named } from "../support/stubs.ts";

// The contract of the message store, on each driver.

onEachDriver((open) => {
  let at: Stocked;
  let room: string;
  let other: string;

  beforeAll(async () => {
    at = await stock(open);
  }, START_MS);
  afterAll(() => at.database.close());
  beforeEach(() => {
    [room, other] = [`a-${crypto.randomUUID()}`, `b-${crypto.randomUUID()}`];
  });

  const commit = async (posts: readonly Post[], careful = false) => {
    const committed = await at.store.commit(0, posts, careful);
    return { epoch: committed.epoch, acks: acksOf(committed) };
  };
  const failure = (posts: readonly Post[], careful = false): Promise<unknown> =>
    commit(posts, careful).then(
      () => "none",
      (error: unknown) => (error instanceof CommitFailure ? error.kind : error),
    );
  const versionsOf = async (...rooms: string[]) => {
    const { versions } = await at.store.counters(rooms);
    return rooms.map((name) => versions.get(name));
  };
  const contentsOf = async (name: string) =>
    (await at.store.messages(name, { after: 0 }, upTo(1000))).messages.map(({ content }) => content);

  test.each([
    ["fast", false],
    ["careful", true],
  ])("posts take their rooms' next versions in order: %s path", async (_, careful) => {
    const posts = [
      post(at.ada, other, "other 1"),
      post(at.ada, room, "one"),
      post(at.ben, room, "two"),
      post(at.ada, other, "other 2"),
      post(at.ada, room, "three", { replyTo: 1 }),
    ];
    const { epoch, acks } = await commit(posts, careful);
    expect(epoch).toBe(at.epoch);
    expect(acks.map(({ id }) => id)).toEqual([1, 1, 2, 2, 3]);
    expect(acks.every(({ id, version, duplicate }) => id === version && !duplicate)).toBe(true);
    expect((await commit([post(at.ada, room, "four")], careful)).acks).toMatchObject([{ id: 4, version: 4 }]);
    const { messages, counter } = await at.store.messages(room, { after: 0 }, upTo(10));
    expect(counter).toBe(4);
    expect(messages.slice(0, 3)).toEqual(
      [
        { id: 1, content: "one", ...named("ada"), data: null, files: null, replyTo: null, thread: null },
        { id: 2, content: "two", ...named("ben"), data: null, files: null, replyTo: null, thread: null },
        { id: 3, content: "three", ...named("ada"), data: null, files: null, replyTo: 1, thread: null },
      ].map((message, index) => ({
        ...message,
        version: message.id,
        clientId: [posts[1], posts[2], posts[4]][index]?.clientId ?? "",
        timestamp: acks[1]?.timestamp ?? "",
        mentions: null,
        editedAt: null,
        deletedAt: null,
        reactions: [],
        notice: null,
      })),
    );
    expect(acks[1]?.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  });

  test("a batch with a post that was committed before fails as a duplicate, and uses no version", async () => {
    const known = post(at.ada, room, "known");
    const {
      acks: [first],
    } = await commit([known]);
    const batch = [post(at.ada, other, "new there"), post(at.ben, room, "new here"), known];
    for (let times = 0; times < 3; times++) expect(await failure(batch)).toBe("duplicate");
    expect(await versionsOf(room, other)).toEqual([1, 0]);
    const { acks } = await commit(batch, true);
    expect(acks).toEqual([
      { id: 1, version: 1, timestamp: expect.any(String), duplicate: false },
      { id: 2, version: 2, timestamp: expect.any(String), duplicate: false },
      { ...first, duplicate: true } as (typeof acks)[number],
    ]);
    expect(await contentsOf(room)).toEqual(["known", "new here"]);
  });

  test("a post that was committed before gets the same ack for ever, and takes no version", async () => {
    const posts = [post(at.ada, room, "one"), post(at.ada, other, "two"), post(at.ada, room, "three")];
    const { acks } = await commit(posts);
    await commit([post(at.ben, room, "later")]);
    for (let times = 0; times < 2; times++) {
      const again = await commit(
        posts.toReversed().map((each) => ({ ...each, content: "changed" })),
        true,
      );
      expect(again.acks).toEqual(acks.map((ack) => ({ ...ack, duplicate: true })).toReversed());
    }
    expect(await versionsOf(room, other)).toEqual([3, 1]);
    expect(await contentsOf(room)).toEqual(["one", "three", "later"]);
  });

  test("client ids are separate for each sender and each room", async () => {
    const clientId = crypto.randomUUID();
    const batch = [
      post(at.ada, room, "ada's", { clientId }),
      post(at.ben, room, "ben's", { clientId }),
      post(at.ada, other, "elsewhere", { clientId }),
    ];
    expect((await commit(batch)).acks.map(({ duplicate }) => duplicate)).toEqual([false, false, false]);
    expect((await commit(batch, true)).acks.map(({ duplicate }) => duplicate)).toEqual([true, true, true]);
  });

  test("a post that the database cannot store fails as invalid, with its whole batch", async () => {
    const batch = [post(at.ada, room, "good"), post(at.ada, other, "bad\0")];
    expect(await failure(batch)).toBe("invalid");
    expect(await failure(batch, true)).toBe("invalid");
    expect(await failure([post(at.ada, room, "bad", { clientId: "no uuid" })])).toBe("invalid");
    expect(await versionsOf(room, other)).toEqual([0, 0]);
    expect((await commit([post(at.ada, room, "good")])).acks).toMatchObject([{ id: 1 }]);
  });

  test("two processes that write to the same rooms and repeat posts leave no gaps and no duplicates", async () => {
    const second = await at.another();
    const posts = Array.from({ length: 240 }, (_, index) =>
      post(index % 2 ? at.ada : at.ben, index % 3 ? room : other, `message ${index}`),
    );
    const acks = new Map<string, Set<number>>();
    const write = async (store: typeof at.store, from: number) => {
      for (let first = from; first < posts.length; first += 20) {
        const lane = (first / 10) % store.lanes;
        const batch = posts.slice(Math.max(0, first - 5), first + 15); // each batch overlaps with one of the other process
        const committed = await store.commit(lane, batch, false).catch((error: CommitFailure) => {
          expect(error.kind).toBe("duplicate");
          return store.commit(lane, batch, true);
        });
        acksOf(committed).forEach(({ version }, index) => {
          const { clientId } = batch[index] as Post;
          acks.set(clientId, (acks.get(clientId) ?? new Set()).add(version));
        });
      }
    };
    await Promise.all([write(at.store, 0), write(second.store, 10)]);
    await second.close();
    expect([...acks.values()].every((versions) => versions.size === 1)).toBe(true);
    expect(acks.size).toBe(240);
    for (const [name, count] of [
      [room, 160],
      [other, 80],
    ] as const) {
      const { messages, counter } = await at.store.messages(name, { after: 0 }, upTo(1000));
      expect(counter).toBe(count);
      expect(messages.map(({ id }) => id)).toEqual(Array.from({ length: count }, (_, index) => index + 1));
      expect(messages.every(({ id, clientId }) => acks.get(clientId)?.has(id))).toBe(true);
    }
  });

  test("counters are those of the requested rooms, and 0 for unknown ones", async () => {
    const names = ["NULL", "été", "комната", "部屋", "a.b-c_d", "𝒳".repeat(64), "_"];
    await commit(names.flatMap((name) => [post(at.ada, name, "one"), post(at.ben, name, "two")]));
    await commit([post(at.ada, "_", "three")]);
    const { epoch, versions } = await at.store.counters([...names, "nowhere"]);
    expect(epoch).toBe(at.epoch);
    expect([...versions]).toEqual([
      ...names.map((name): [string, number] => [name, name === "_" ? 3 : 2]),
      ["nowhere", 0],
    ]);
    for (const name of names) expect((await contentsOf(name)).slice(0, 2)).toEqual(["one", "two"]);
    expect(await at.store.counters([])).toEqual({ epoch: at.epoch, versions: new Map(), fences: new Map() });
  });

  test.each([
    ["fast", false],
    ["careful", true],
  ])("a post that replies to nothing fails alone: %s path", async (_, careful) => {
    await commit([post(at.ada, room, "one"), post(at.ada, room, "two")]);
    const late = post(at.ben, room, "a reply to a message of the same batch", { replyTo: 4 });
    const answered = post(at.ben, room, "a reply", { replyTo: 1 });
    const batch = [
      post(at.ada, other, "elsewhere"),
      answered,
      post(at.ada, room, "a reply to what comes later", { replyTo: 6 }),
      post(at.ada, room, "four"),
      late,
      post(at.ada, other, "a reply to a message of another room", { replyTo: 2 }),
      post(at.ada, `${room}-new`, "a reply in a room that is not there", { replyTo: 1 }),
    ];
    const { outcomes } = await at.store.commit(0, batch, careful);
    const errors = { replyTo: ["must be the id of a message in this room"] };
    const refused = { refused: "invalid" as const, errors };
    expect(outcomes).toMatchObject([
      { ack: { id: 1 } },
      { ack: { id: 3 } },
      refused,
      { ack: { id: 4 } },
      { ack: { id: 5 } },
      refused,
      refused,
    ]);
    expect(await versionsOf(room, other, `${room}-new`)).toEqual([5, 1, 0]);
    expect((await at.store.messages(room, { after: 2 }, upTo(9))).messages).toMatchObject([
      { replyTo: 1 },
      { replyTo: null },
      { replyTo: 4 },
    ]);
    // A repeat gets its ack, whatever it replies to.
    expect((await commit([{ ...answered, replyTo: 99 }], true)).acks).toMatchObject([
      { id: 3, duplicate: true },
    ]);
  });

  test("a message keeps the data that its last edit left it, and a tombstone has none", async () => {
    const data = JSON.stringify({ a: [1.5, null, { "": '\u{1f600}"\\' }], ["__proto__"]: { x: 1 } });
    const one = post(at.ada, room, "one", { data });
    const two = post(at.ada, room, "two");
    await commit([one, two]);
    const shown = async () =>
      (await at.store.messages(room, { after: 0 }, upTo(9))).messages.map(({ data }) => data);
    expect(await shown()).toEqual([data, null]);
    const edit = async (id: number, change: { content: string; data?: string | null }) => {
      const { room: _, content: __, data: ___, replyTo: ____, ...by } = one;
      const clientId = crypto.randomUUID();
      const { outcomes } = await at.store.commit(
        0,
        [{ ...by, room, kind: "edit", clientId, id, ...change }],
        true,
      );
      return outcomes[0];
    };
    await edit(1, { content: "one, edited" });
    await edit(2, { content: "two", data: "{}" });
    expect(await shown()).toEqual([data, "{}"]);
    expect(await edit(2, { content: "two", data: "{}" })).toMatchObject({ ack: { version: 4 }, state: null });
    await edit(2, { content: "two", data: null });
    expect(await shown()).toEqual([data, null]);
    const { content: _, data: __, replyTo: ___, ...by } = one;
    await at.store.commit(0, [{ ...by, kind: "delete", clientId: crypto.randomUUID(), id: 1 }], true);
    expect(await shown()).toEqual([null, null]);
    expect((await at.store.changesSince(room, 0)).messages.map(({ data }) => data)).toEqual([null, null]);
  });

  test("texts with special characters are stored exactly", async () => {
    const texts = [
      '"',
      "\\",
      '\\"',
      "{}",
      "{",
      "}",
      ",",
      "NULL",
      "null",
      "'",
      "''",
      "$1",
      "a,b",
      "{a,b}",
      '{"a":1}',
      "\n",
      "\r\n",
      "\t",
      "\u0001",
      "\u007f",
      "\u2028",
      "🙂",
      "👩‍👩‍👧",
      "e\u0301",
      "\u00e9",
      "𝒳",
      "\ufeff",
      "\uffff",
      "‮txet",
      " a ",
      "\\N",
      "\\.",
      "\\x41",
      "E'\\n'",
      "%00",
      "--",
      "/*",
      "; drop table messages",
      "a".repeat(10_000),
      "🙂".repeat(10_000),
    ];
    for (const careful of [false, true]) {
      const name = careful ? other : room;
      await commit(
        texts.map((content) => post(at.ada, name, content)),
        careful,
      );
      expect(await contentsOf(name)).toEqual(texts);
    }
  });

  test("any valid text is stored exactly, in any batch", async () => {
    const content = fc
      .string({ unit: "binary", minLength: 1, maxLength: 60 })
      .filter((text) => !text.includes("\0"));
    const hard = fc.string({
      unit: fc.constantFrom('"', "\\", "{", "}", ",", "\n", "'", " ", "N", "🙂"),
      minLength: 1,
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(content, hard), { minLength: 1, maxLength: 30 }),
        fc.boolean(),
        async (texts, careful) => {
          const name = crypto.randomUUID();
          await commit(
            texts.map((text) => post(at.ada, name, text)),
            careful,
          );
          expect(await contentsOf(name)).toEqual(texts);
        },
      ),
      { numRuns: 40 },
    );
  });
});
