import { afterAll, beforeAll, expect, spyOn, test } from "bun:test";
import type { SQL } from "drizzle-orm";
import { PgDatabase, PgDialect } from "drizzle-orm/pg-core";
import { connect } from "../support/client.ts";
import { START_MS } from "../support/house.ts";
import type { Person } from "../support/people.ts";
import type { TestServer } from "../support/server.ts";
import { roomCalls, startRooms } from "./roomcalls.ts";

// Nobody learns whether a room exists whose name the server gave: neither from an answer, nor from the time until it comes. So the
// server does the same work for such a room as for none. Here that is counted, because times vary.

let server: TestServer;
let ada: Person;
let eve: Person;
/** A room of ada's, and a name of the same form that no room has. */
let secret: string;
const nothing = `~${"a".repeat(26)}`;

const dialect = new PgDialect();
/** Every statement since, as text, with its parameters. */
let statements: { text: string; params: string }[] = [];
const { execute } = PgDatabase.prototype;
const spy = spyOn(PgDatabase.prototype, "execute");

beforeAll(async () => {
  ({
    server,
    people: [ada, , , eve],
    // The index of the search asks about rooms whenever it likes.
  } = await startRooms({ SEARCH: "off" }));
  spy.mockImplementation(function (this: typeof PgDatabase.prototype, statement) {
    const { sql: text, params } = dialect.sqlToQuery(statement as SQL);
    statements.push({ text, params: JSON.stringify(params) });
    return execute.call(this, statement);
  } as typeof execute);
  const { body } = await roomCalls(() => server).by(ada, "POST /rooms/", { title: "Secret" });
  secret = String(body.room);
}, START_MS);
afterAll(async () => {
  spy.mockRestore();
  await server.stop();
});

/** What was asked of the database about a room. Other statements are the server's own: the journal reads rooms that changed. */
const about = (room: string) =>
  statements
    .filter(({ params, text }) => params.includes(room) && !text.includes("insert into journal"))
    .map(({ text }) => text);

/** The reply to something about a room, and the work that it took. */
async function workOf(room: string, request: (room: string) => Promise<unknown>) {
  statements = [];
  const reply = JSON.stringify(await request(room)).replaceAll(room, "~");
  return { reply, statements: about(room) };
}

const id = () => crypto.randomUUID();
const REQUESTS: readonly (readonly [target: string, body: object | undefined])[] = [
  ["GET /rooms/%/", undefined],
  ["PATCH /rooms/%/", { title: "Mine" }],
  ["GET /history/%/", undefined],
  ["GET /history/%/?around=1", undefined],
  ["GET /rooms/%/members/", undefined],
  ["PUT /rooms/%/members/me/", { pinned: true }],
  ["PUT /rooms/%/members/@ada/", {}],
  ["DELETE /rooms/%/members/@ada/", undefined],
  ["DELETE /rooms/%/members/me/", undefined],
  ["GET /rooms/%/bans/", undefined],
  ["PUT /rooms/%/bans/@ada/", undefined],
  ["PUT /rooms/%/mutes/@ada/", {}],
  ["POST /rooms/%/messages/", { content: "Hello?" }],
  ["PATCH /rooms/%/messages/1/", { content: "Hello?" }],
  ["DELETE /rooms/%/messages/1/", undefined],
  ["PUT /rooms/%/messages/1/reactions/👍/", undefined],
  ["POST /rooms/%/messages/1/report/", { reason: "Hello?" }],
  ["GET /rooms/%/reports/", undefined],
  ["POST /rooms/%/invitations/", { expiresIn: 3600 }],
  ["GET /rooms/%/invitations/", undefined],
];

test.each(REQUESTS)(
  "%s takes the same work in a secret room as in none, and has the same answer",
  async (target, body) => {
    const request = async (room: string) => {
      const { status, body: answer } = await roomCalls(() => server).by(eve, target.replace("%", room), body);
      return { status, answer };
    };
    const [closed, missing] = [await workOf(secret, request), await workOf(nothing, request)];
    expect(closed).toEqual(missing);
    expect(closed.reply).toContain("not_found");
    expect(closed.statements.length).toBeGreaterThan(0);
  },
);

const COMMANDS: readonly object[] = [
  { type: "join" },
  { type: "send", content: "Hello?" },
  { type: "edit", id: 1, content: "Hello?" },
  { type: "delete", id: 1 },
  { type: "react", id: 1, emoji: "👍", on: true },
  { type: "history" },
  { type: "read", id: 1 },
  { type: "typing" },
  { type: "member", user: "@ada", set: "banned" },
  { type: "member", user: "me", set: "out" },
  { type: "room", title: "Mine" },
];

test.each(COMMANDS)(
  "the command %j takes the same work in a secret room as in none, and has the same reply",
  async (command) => {
    const socket = await connect(server, { token: eve.token });
    const ask = async (room: string) => {
      const keyed = "id" in command || "content" in command || "user" in command || "title" in command;
      const { ref: _, ...reply } = (await socket.ask({
        ...(keyed && { clientId: id() }),
        ...command,
        room,
      })) as { ref: number };
      return reply;
    };
    const [closed, missing] = [await workOf(secret, ask), await workOf(nothing, ask)];
    expect(closed).toEqual(missing);
    expect(closed.reply).toContain("not_found");
    expect(closed.statements.length).toBeGreaterThan(0);
    socket.close();
  },
);
