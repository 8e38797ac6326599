import { afterAll, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { sql } from "drizzle-orm";
import type { Attachment, Outcome, Post } from "../../src/chat/change.ts";
import { clearDeletedRooms } from "../../src/db/clearing.ts";
import { rows } from "../../src/db/database.ts";
import type { Attempt, Content, FileStore } from "../../src/files/ports.ts";
import { createFileLookup, createFileStore } from "../../src/store/files.ts";
import { createMessageStore } from "../../src/store/messages.ts";
import { acksOf, onEachDriver, post, type Stocked, stock } from "../chat/stocked.ts";
import { rulingsOf } from "../chat/rulings.ts";
import { countingStatements } from "../support/counted.ts";
import { START_MS } from "../support/house.ts";
import { ORDER } from "../support/order.ts";
import { upTo } from "../support/stubs.ts";

setDefaultTimeout(20_000);

// The states of a file, and what commits of messages do about them, on each driver.

const QUOTAS = { person: 1e12, room: 1e12 };
const CONTENT: Content = {
  size: 7,
  hash: "ab".repeat(32),
  type: "image/png",
  picture: { width: 3, height: 2, placeholder: "data:," },
  sizes: { original: 7, preview: 5 },
};

onEachDriver((open) => {
  let at: Stocked;
  let files: FileStore;
  let room: string;

  beforeAll(async () => {
    at = await stock(open);
    files = createFileStore(at.database);
  }, START_MS);
  afterAll(() => at.database.close());
  beforeEach(async () => {
    room = `r-${crypto.randomUUID()}`;
    await at.store.commit(0, [post(at.ada, room, "hello")], false);
  });

  const attempt = (more: Partial<Attempt> = {}): Attempt => ({
    id: crypto.randomUUID(),
    room,
    userId: at.ada,
    clientId: crypto.randomUUID(),
    name: "a.png",
    size: 100,
    ...more,
  });
  const uploaded = async (more: Partial<Attempt> = {}) => {
    const one = attempt(more);
    await files.begin(one, QUOTAS);
    expect(await files.complete(one.id, CONTENT)).toBe("done");
    return one;
  };
  const stateOf = async (id: string) => {
    const [row] = await at.database.run((orm) =>
      rows<{ state: string }>(orm, sql`select state from files where id = ${id}::text::uuid`),
    );
    return row?.state;
  };
  const withFiles = (userId: number, ...attached: readonly Attachment[]): Post =>
    post(userId, room, "", { files: attached });
  const commit = async (...posts: readonly Post[]) => (await at.store.commit(0, posts, false)).outcomes;
  const refusals = (outcomes: readonly (Outcome | null)[]): (string | null)[] =>
    outcomes.map((outcome) => outcome && ("refused" in outcome ? outcome.refused : "committed"));
  const messages = async () => (await at.store.messages(room, { after: 1 }, upTo(100))).messages;

  test("an upload begins in a room that is there, if it fits into the quotas", async () => {
    expect(await files.begin(attempt({ room: "nowhere" }), QUOTAS)).toBe("no_room");
    expect(await files.begin(attempt({ size: 2048 }), { ...QUOTAS, room: 4096 })).toBe("begun");
    expect(await files.begin(attempt({ size: 2048, userId: at.ben }), { ...QUOTAS, room: 4096 })).toBe(
      "begun",
    );
    expect(await files.begin(attempt({ size: 2048 }), { ...QUOTAS, room: 4096 })).toBe("full");
    expect(await files.begin(attempt({ size: 2048 }), { ...QUOTAS, person: 4095 })).toBe("full");
  });

  test("of two attempts of one upload, one becomes the file", async () => {
    const first = attempt();
    const second = attempt({ clientId: first.clientId });
    await files.begin(first, QUOTAS);
    await files.begin(second, QUOTAS);
    expect(await files.find(first)).toBeUndefined();
    expect(await files.complete(second.id, CONTENT)).toBe("done");
    expect(await files.complete(first.id, CONTENT)).toBe("taken");
    expect(await files.find(first)).toEqual({ ...CONTENT, id: second.id, name: "a.png", held: false });
  });

  test("an attempt without a sign of life is given up, and one that goes on is not", async () => {
    const [silent, alive] = [attempt(), attempt()];
    await files.begin(silent, QUOTAS);
    await files.begin(alive, QUOTAS);
    await at.database.run((orm) =>
      rows(orm, sql`update files set at = at - interval '1 hour' where state = 'uploading'`),
    );
    expect(await files.keep(alive.id)).toBe(true);
    await files.expire({ silentMs: 60_000, unsentMs: 1e9, strayMs: 1e9 });
    expect(await stateOf(silent.id)).toBe("doomed");
    expect(await stateOf(alive.id)).toBe("uploading");
    expect(await files.complete(silent.id, CONTENT)).toBe("gone");
    expect(await files.keep(silent.id)).toBe(false);
    expect(await files.doomed()).toContain(silent.id);
    await files.forget([silent.id, alive.id]);
    expect(await stateOf(silent.id)).toBeUndefined();
    expect(await stateOf(alive.id)).toBe("uploading");
  });

  test("giving up an upload that was completed changes nothing", async () => {
    const { id } = await uploaded();
    expect(await files.giveUp(id)).toBe(true);
    expect(await stateOf(id)).toBe("ready");
  });

  test("an upload is given up once, so whoever comes too late knows that its content may stay", async () => {
    const one = attempt();
    await files.begin(one, QUOTAS);
    const { id } = one;
    expect(await files.giveUp(id)).toBe(true);
    expect(await stateOf(id)).toBe("doomed");
    expect(await files.giveUp(id)).toBe(false);
    await files.forget([id]);
    expect(await files.giveUp(id)).toBe(false);
  });

  test("a file that nobody sends is given up, and one that was sent is not", async () => {
    const [unsent, sent] = [await uploaded(), await uploaded()];
    await commit(withFiles(at.ada, { id: sent.id }));
    await at.database.run((orm) => rows(orm, sql`update files set at = at - interval '2 days'`));
    await files.expire({ silentMs: 1e9, unsentMs: 24 * 3600_000, strayMs: 1e9 });
    expect(await stateOf(unsent.id)).toBe("doomed");
    expect(await stateOf(sent.id)).toBe("attached");
  });

  test("a message carries its files in their order, with their alternative texts", async () => {
    const [one, two] = [await uploaded({ name: 'a "b".png' }), await uploaded()];
    expect(
      refusals(await commit(withFiles(at.ada, { id: two.id, alt: 'A "quoted" text' }, { id: one.id }))),
    ).toEqual(["committed"]);
    const [message] = await messages();
    const shown = { type: "image/png", size: 7, width: 3, height: 2, placeholder: "data:," };
    expect(JSON.parse(message?.files ?? "")).toEqual([
      { id: two.id, name: "a.png", ...shown, alt: 'A "quoted" text' },
      { id: one.id, name: 'a "b".png', ...shown },
    ]);
    // What is committed is what is delivered.
    const { messages: changed } = await at.store.changesSince(room, 1);
    expect(changed).toEqual([message as (typeof changed)[number]]);
  });

  test("each file is sent once, by its uploader, in its room; the message of a refusal is not there", async () => {
    const own = await uploaded();
    const foreign = await uploaded({ userId: at.ben });
    const other = `o-${crypto.randomUUID()}`;
    await at.store.commit(0, [post(at.ada, other, "hello")], false);
    const elsewhere = await uploaded({ room: other });
    const begun = attempt();
    await files.begin(begun, QUOTAS);
    const outcomes = await commit(
      withFiles(at.ada, { id: foreign.id }),
      withFiles(at.ada, { id: elsewhere.id }),
      withFiles(at.ada, { id: begun.id }),
      withFiles(at.ada, { id: crypto.randomUUID() }),
      withFiles(at.ada, { id: own.id }, { id: foreign.id }),
      withFiles(at.ada, { id: own.id }),
      withFiles(at.ada, { id: own.id }),
      post(at.ada, room, "a neighbour"),
    );
    const missing = Array.from({ length: 5 }, () => "file_missing");
    expect(refusals(outcomes)).toEqual([...missing, "committed", "file_missing", "committed"]);
    expect(refusals(await commit(withFiles(at.ada, { id: own.id })))).toEqual(["file_missing"]);
    expect((await messages()).map(({ id, files }) => [id, files !== null])).toEqual([
      [2, true],
      [3, false],
    ]);
    expect(await stateOf(foreign.id)).toBe("ready");
  });

  test("a message with files fits in a frame, however long its text and their texts are", async () => {
    const ids = await Promise.all(Array.from({ length: 10 }, async () => (await uploaded()).id));
    const files = ids.map((id) => ({ id, alt: "😀".repeat(500) }));
    const long = { ...withFiles(at.ada, ...files), content: "\u0001".repeat(10_000) };
    const [refused] = await commit(long);
    expect(refused).toEqual({
      refused: "invalid",
      errors: { content: ["is too long beside its files and mentions"] },
    });
    const usual = { ...long, content: "😀".repeat(4_000) };
    expect(refusals(await commit(usual))).toEqual(["committed"]);
    const edit = {
      ...usual,
      kind: "edit",
      id: 2,
      clientId: crypto.randomUUID(),
      content: long.content,
    } as const;
    expect((await at.store.commit(0, [edit], false)).outcomes).toEqual([refused as Outcome]);
  });

  test("a repeat of a message with files gets its first ack", async () => {
    const { id } = await uploaded();
    const sent = withFiles(at.ada, { id });
    const [first] = acksOf(await at.store.commit(0, [sent], false));
    const [again] = acksOf(await at.store.commit(0, [sent], true));
    expect(again).toEqual({ ...(first as NonNullable<typeof first>), duplicate: true });
    expect(await messages()).toHaveLength(1);
  });

  test("two processes that send one file at the same moment: one message has it", async () => {
    const { id } = await uploaded();
    const there = await at.another();
    const both = await Promise.all([
      at.store.commit(0, [withFiles(at.ada, { id })], false),
      there.store.commit(0, [withFiles(at.ada, { id })], false),
    ]);
    expect(both.flatMap(({ outcomes }) => refusals(outcomes)).sort()).toEqual(["committed", "file_missing"]);
    await there.close();
  });

  test("a file is sent or given up, never both", async () => {
    const there = await at.another();
    for (let round = 0; round < 10; round++) {
      const { id } = await uploaded();
      const [outcomes] = await Promise.all([
        commit(withFiles(at.ada, { id })),
        files.expire({ silentMs: 1e9, unsentMs: -1_000, strayMs: 1e9 }),
      ]);
      const wasSent = refusals(outcomes)[0] === "committed";
      if (!wasSent) await files.expire({ silentMs: 1e9, unsentMs: -1_000, strayMs: 1e9 });
      expect([wasSent, await stateOf(id)]).toEqual([wasSent, wasSent ? "attached" : "doomed"]);
    }
    await there.close();
  });

  test("a deleted message loses its files in that very commit", async () => {
    const { id } = await uploaded();
    const [ack] = acksOf(await at.store.commit(0, [withFiles(at.ada, { id })], false));
    const removal = {
      kind: "remove",
      room,
      id: ack?.id ?? 0,
      clientId: crypto.randomUUID(),
      order: ORDER,
    } as const;
    await at.store.commit(0, [removal], false);
    expect(await stateOf(id)).toBe("doomed");
    expect(await files.servable(id)).toBeUndefined();
    expect((await messages())[0]?.files).toBeNull();
  });

  test("an edit keeps the files", async () => {
    const { id } = await uploaded();
    const [ack] = acksOf(await at.store.commit(0, [withFiles(at.ada, { id })], false));
    const edit = { ...post(at.ada, room, "a caption"), kind: "edit", id: ack?.id ?? 0 } as const;
    acksOf(await at.store.commit(0, [edit], false));
    expect((await messages())[0]).toMatchObject({ content: "a caption", files: expect.stringContaining(id) });
    expect(await stateOf(id)).toBe("attached");
    // Its caption can be taken away; a message without files needs a text.
    acksOf(await at.store.commit(0, [{ ...edit, clientId: crypto.randomUUID(), content: "" }], false));
    expect((await messages())[0]).toMatchObject({ content: "", files: expect.stringContaining(id) });
    const blank = await at.store.commit(
      0,
      [{ ...edit, id: 1, clientId: crypto.randomUUID(), content: " " }],
      false,
    );
    expect(blank.outcomes).toEqual([{ refused: "invalid", errors: { content: ["must not be blank"] } }]);
  });

  test("what is stored without a row gets one of its own, is nobody's, and is removed in time", async () => {
    const known = await uploaded();
    const begun = attempt();
    await files.begin(begun, QUOTAS);
    const stray = crypto.randomUUID();
    expect(await files.adopt([known.id, stray, begun.id])).toBe(1);
    expect(await files.adopt([known.id, stray, begun.id])).toBe(0);
    expect(await stateOf(known.id)).toBe("ready");
    expect(await files.servable(stray)).toBeUndefined();
    expect(refusals(await commit(withFiles(at.ada, { id: stray })))).toEqual(["file_missing"]);
    const limits = { silentMs: 1e9, unsentMs: 1e9 };
    await files.expire({ ...limits, strayMs: 60_000 });
    expect(await stateOf(stray)).toBe("stray");
    await files.expire({ ...limits, strayMs: -1_000 });
    expect(await stateOf(stray)).toBe("doomed");
    expect(await stateOf(begun.id)).toBe("uploading");
  });

  test("the files of a deleted room go with its texts", async () => {
    const { id } = await uploaded();
    await commit(withFiles(at.ada, { id }));
    acksOf(await at.store.commit(0, [rulingsOf("operator").reform(room, { deleted: true })], true));
    while ((await clearDeletedRooms(at.database)) > 0);
    expect(await stateOf(id)).toBe("doomed");
  });

  test("a file is seen by its uploader, and once it was sent by those who see its message", async () => {
    const lookup = createFileLookup(at.database);
    const { id } = await uploaded();
    const seenBy = async (userId: number, from = 1) =>
      (await lookup.visible({ userId, room }, from, [id])).files.map((file) => file.id);
    expect(await seenBy(at.ada)).toEqual([id]);
    expect(await seenBy(at.ben)).toEqual([]);
    await commit(withFiles(at.ada, { id }));
    expect(await seenBy(at.ben)).toEqual([id]);
    expect(await seenBy(at.ben, 2)).toEqual([id]);
    expect(await seenBy(at.ben, 3)).toEqual([]);
    const elsewhere = await lookup.visible({ userId: at.ada, room: "nowhere" }, 1, [id]);
    expect(elsewhere).toEqual({ fence: 0, files: [] });
    expect((await lookup.visible({ userId: at.ada, room }, 1, [id])).files).toEqual([
      { id, sizes: CONTENT.sizes },
    ]);
  });

  test("what somebody is about to send is described until it is sent, for its uploader alone", async () => {
    const { unsent } = createFileLookup(at.database);
    const { id, name } = await uploaded();
    expect(await unsent(at.ada, [id, crypto.randomUUID()])).toEqual([
      { id, name, type: CONTENT.type, size: CONTENT.size },
    ]);
    expect(await unsent(at.ben, [id])).toEqual([]);
    await commit(withFiles(at.ada, { id }));
    expect(await unsent(at.ada, [id])).toEqual([]);
  });

  test("messages without files cost what they did before: one statement that touches no table of files", async () => {
    const statements: string[] = [];
    const counted = countingStatements(at.database, statements);
    const store = createMessageStore(counted, counted);
    acksOf(await store.commit(0, [post(at.ada, room, "one"), post(at.ben, room, "two")], false));
    expect(statements).toHaveLength(1);
    expect(statements[0]).not.toContain("files");
    const careful = [{ ...post(at.ada, room, "edited"), kind: "edit", id: 2 }] as const;
    acksOf(await store.commit(0, careful, false));
    expect(statements.filter((text) => /\b(from|join|update|into) files\b/.test(text))).toEqual([]);
  });
});
