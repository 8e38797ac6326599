import { beforeAll, expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { loadConfig } from "../../src/config/config.ts";
import { rows } from "../../src/db/database.ts";
import { openDatabase } from "../../src/db/open.ts";
import { api } from "../support/api.ts";
import { connect, connectPlain, type V1Client, type V1Frames } from "../support/client.ts";
import { temporaryFolder } from "../support/folder.ts";
import { house, START_MS } from "../support/house.ts";
import { type Person, register } from "../support/people.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { edit, post, react, remove } from "./commands.ts";

// Tombstones of deleted messages, and how changes reach clients that were away.

let server: TestServer;
let ada: Person;
let ben: Person;

beforeAll(async () => {
  ({ server, ada, ben } = await house());
}, START_MS);

const enter = ({ token }: Person, room: string, since?: string) =>
  connect(server, { room, token, ...(since !== undefined && { since }) });

/** Ada posts and edits a message, gets a reaction, and deletes it: versions 1 to 4. */
async function deleted(socket: V1Client, other: V1Client, text: string): Promise<void> {
  expect(await post(socket, `${text}, first`)).toBe(1);
  expect(await socket.ask(edit(1, `${text}, second`))).toMatchObject({ type: "ok", version: 2 });
  expect(await other.ask(react(1, "👍"))).toMatchObject({ type: "ok", version: 3 });
  expect(await socket.ask(remove(1))).toMatchObject({ type: "ok", version: 4 });
}

test("a deleted message is a tombstone live, in history and in a replay", async () => {
  const [socket, other] = [await enter(ada, "graves"), await enter(ben, "graves")];
  const { epoch } = await other.next("joined");
  await deleted(socket, other, "a secret");
  const { type: _, room, change, prev, ...tombstone } = (await other.take("message", 4)).at(-1) ?? {};
  expect({ room, change, prev }).toEqual({ room: "graves", change: "deleted", prev: 3 });
  expect(tombstone).toEqual({
    id: 1,
    version: 4,
    username: "ada",
    user: { id: expect.stringMatching(/^u_/) },
    content: "",
    timestamp: expect.stringMatching(/Z$/),
    clientId: expect.any(String),
    editedAt: expect.stringMatching(/Z$/),
    deletedAt: expect.stringMatching(/Z$/),
  });

  expect(await other.ask({ type: "history" })).toMatchObject({ messages: [tombstone], more: false });
  const { body } = await api(server, "GET /history/graves/", { token: ben.token });
  expect(body).toEqual([{ room: "graves", ...tombstone }]);
  for (const version of [0, 1, 2, 3]) {
    const back = await enter(ben, "graves", `${epoch}.${version}`);
    await back.next("synced");
    const frames = back.frames.filter(({ type }) => type === "message");
    expect(frames).toEqual([{ type: "message", room, change: "deleted", replay: true, ...tombstone }]);
    back.close();
  }
  for (const each of [socket, other]) each.close();
});

test(
  "the texts and reactions of a deleted message are gone from the database",
  async () => {
    const folder = temporaryFolder();
    const settings = { DATA_DIR: folder.path, MESSAGE_RATE: "0", BUDGETS: "0" };
    const own = await startTestServer(settings);
    const [{ token }, other] = [await register(own, "ada"), await register(own, "ben")];
    const socket = await connect(own, { room: "graves", token });
    const reader = await connect(own, { room: "graves", token: other.token });
    await deleted(socket, reader, "a secret");
    expect(await post(socket, "what stays")).toBe(5);
    expect(await socket.ask(react(5, "🎉"))).toMatchObject({ type: "ok", version: 6 });
    await own.stop();

    const database = await openDatabase(loadConfig(settings));
    const read = <Row>(statement: ReturnType<typeof sql>) => database.run((orm) => rows<Row>(orm, statement));
    expect(await read(sql`select id::int, version::int, content from messages order by id`)).toEqual([
      { id: 1, version: 4, content: "" },
      { id: 5, version: 5 + 1, content: "what stays" },
    ]);
    expect(await read(sql`select message_id::int as id, emoji from reactions`)).toEqual([
      { id: 5, emoji: "🎉" },
    ]);
    // No other table has them either.
    const tables = await read<{ name: string }>(
      sql`select table_name as name from information_schema.tables where table_schema = 'public'`,
    );
    expect(tables.map(({ name }) => name)).toContain("changes");
    for (const { name } of tables) {
      const found = await read<{ row: string }>(sql`select t::text as row from ${sql.identifier(name)} t`);
      expect(found.filter(({ row }) => /secret|👍/u.test(row))).toEqual([]);
    }
    await database.close();
    folder.remove();
  },
  START_MS,
);

const told = ({ id, version, change, content }: V1Frames["message"]) => ({ id, version, change, content });

test("a replay has each message once, in its last state, even if changes overtook each other", async () => {
  const [socket, other] = [
    await enter(ada, "tombstones-overtaken"),
    await enter(ben, "tombstones-overtaken"),
  ];
  const { epoch } = await socket.next("joined");
  for (const content of ["one", "two", "three"]) await post(socket, content);
  expect(await socket.ask(edit(1, "one, edited"))).toMatchObject({ version: 4 });
  expect(await other.ask(react(2, "👍"))).toMatchObject({ version: 5 });
  expect(await post(socket, "four")).toBe(6);
  expect(await socket.ask(edit(1, "one, edited twice"))).toMatchObject({ version: 7 });
  expect(await socket.ask(edit(6, "four, edited"))).toMatchObject({ version: 8 });
  expect(await socket.ask(remove(3))).toMatchObject({ version: 9 });
  expect(await other.ask(react(1, "🎉"))).toMatchObject({ version: 10 });
  expect(await other.ask(react(2, "👍", false))).toMatchObject({ version: 11 });

  const states = [
    { id: 6, version: 8, content: "four, edited" },
    { id: 3, version: 9, content: "" },
    { id: 1, version: 10, content: "one, edited twice" },
    { id: 2, version: 11, content: "two" },
  ];
  for (let since = 0; since <= 11; since++) {
    const back = await enter(ben, "tombstones-overtaken", `${epoch}.${since}`);
    expect(await back.next("joined")).toMatchObject({ resumed: true, version: 11 });
    expect(await back.next("synced")).toEqual({ type: "synced", room: "tombstones-overtaken", version: 11 });
    const missed = states.filter(({ version }) => version > since);
    expect((await back.take("message", missed.length)).map(told)).toEqual(
      missed.map((state) => {
        const change = state.content === "" ? "deleted" : state.id > since ? "created" : "updated";
        return { ...state, change };
      }),
    );
    expect(back.frames.filter(({ type }) => type === "message")).toHaveLength(missed.length);
    back.close();
  }
  const back = await enter(ben, "tombstones-overtaken", `${epoch}.9`);
  const [first, second] = await back.take("message", 2);
  expect(first?.reactions).toEqual({
    "🎉": { count: 1, users: ["ben"], profiles: [{ id: expect.stringMatching(/^u_/) }] },
  });
  expect(second).not.toHaveProperty("reactions");
  for (const each of [socket, other, back]) each.close();
});

test("plain clients get new messages only, live and when they come back", async () => {
  const socket = await enter(ada, "plain-changes");
  const plain = await connectPlain(server, { room: "plain-changes", token: ben.token });
  const { epoch } = await socket.next("joined");
  for (const content of ["one", "two", "three"]) await post(socket, content);
  expect(await socket.ask(edit(1, "one, edited"))).toMatchObject({ version: 4 });
  expect(await socket.ask(react(1, "👍"))).toMatchObject({ version: 5 });
  expect(await socket.ask(remove(2))).toMatchObject({ version: 6 });
  expect(await post(socket, "seven")).toBe(7);
  const received = (await plain.take("message", 4)).map(({ id, message }) => [id, message]);
  expect(received).toEqual([
    [1, "one"],
    [2, "two"],
    [3, "three"],
    [7, "seven"],
  ]);

  // A replay from the beginning omits deleted messages and has edited ones in their present state.
  const back = await connectPlain(server, {
    room: "plain-changes",
    token: ben.token,
    since: `${epoch}.0`,
  });
  const missed = (await back.take("message", 3)).map(({ id, message }) => [id, message]);
  expect(missed).toEqual([
    [1, "one, edited"],
    [3, "three"],
    [7, "seven"],
  ]);
  expect(await post(socket, "eight")).toBe(8);
  expect(await back.next("message")).toMatchObject({ id: 8, message: "eight" });
  for (const each of [socket, plain, back]) each.close();
});

// Pages of missed changes are cached for a moment.
test("a client that comes back right after a deletion does not get a page cached just before it", async () => {
  const socket = await enter(ada, "quick");
  const { epoch } = await socket.next("joined");
  expect(await post(socket, "a slip")).toBe(1);
  expect(await post(socket, "a word")).toBe(2);
  const since = `${epoch}.0`;
  const before = await connectPlain(server, { room: "quick", token: ben.token, since });
  expect((await before.take("message", 2)).map(({ message }) => message)).toEqual(["a slip", "a word"]);
  const v1Before = await enter(ben, "quick", since);
  expect((await v1Before.take("message", 2)).map(({ content }) => content)).toEqual(["a slip", "a word"]);

  expect(await socket.ask(remove(1))).toMatchObject({ type: "ok", version: 3 });
  const plain = await connectPlain(server, { room: "quick", token: ben.token, since });
  expect(await plain.next("message")).toMatchObject({ id: 2, message: "a word" });
  const v1 = await enter(ben, "quick", since);
  expect((await v1.take("message", 2)).map(({ id, content }) => [id, content])).toEqual([
    [2, "a word"],
    [1, ""],
  ]);
  for (const client of [socket, before, v1Before, plain, v1]) client.close();
});
