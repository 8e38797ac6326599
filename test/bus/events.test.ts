import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { renewEpoch } from "../../src/db/meta.ts";
import { ADMIN_TOKEN } from "../chat/ways.ts";
import { api } from "../support/api.ts";
import { postgresDatabase, type TestDatabase } from "../support/database.ts";
import { streamEvents } from "../support/events.ts";
import { needs } from "../support/needs.ts";
import { ORDER } from "../support/order.ts";
import { type Person, register } from "../support/people.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

needs("TEST_DATABASE_URL")("two servers without a bus", () => {
  let database: TestDatabase;
  let here: TestServer;
  let there: TestServer;
  let ada: Person;

  beforeAll(async () => {
    database = await postgresDatabase();
    const settings = { MESSAGE_RATE: "0", BUDGETS: "0", LOGIN_RATE: "0", ADMIN_TOKEN, ...database.env };
    [here, there] = [await startTestServer(settings), await startTestServer(settings)];
    ada = await register(here, "ada");
  }, 60_000);
  afterAll(async () => {
    await Promise.all([here?.stop(), there?.stop()]);
    await database?.close();
  });

  const say = (server: TestServer, room: string, content: string) =>
    api(server, `POST /rooms/${room}/messages/`, { token: ada.token, body: { content } });
  const read = (server: TestServer, after: string) =>
    api(server, `GET /events/?after=${after}`, { token: ADMIN_TOKEN });
  const open = (server: TestServer, cursor?: string) =>
    streamEvents(server, { token: ADMIN_TOKEN, query: { after: "now" }, cursor });

  test("a reader continues on the other one, with what was written on either", async () => {
    const first = await open(here);
    await until(() => first.cursor !== "");
    await say(there, "far", "1");
    await until(() => first.events.length === 1);
    first.close();
    await say(here, "far", "2");
    await say(there, "near", "3");
    const second = await open(there, first.cursor);
    await until(() => second.events.length === 2);
    second.close();
    const contents = [...first.events, ...second.events].map(({ content }) => content);
    expect(contents[0]).toBe("1");
    expect(contents.sort()).toEqual(["1", "2", "3"]);
  });

  test("a server that stops ends its streams, and a reader misses nothing", async () => {
    const settings = { MESSAGE_RATE: "0", ADMIN_TOKEN, ...database.env };
    const third = await startTestServer(settings);
    const stream = await open(third);
    await until(() => stream.cursor !== "");
    await third.stop();
    await stream.ended;
    expect(stream.all.every(({ event }) => event === undefined)).toBe(true);
    await say(here, "stops", "while it was away");
    const next = await open(there, stream.cursor);
    await until(() => next.events.length === 1);
    next.close();
  });

  test("after a restored backup a reader is told, and never continues in another history", async () => {
    const stream = await open(here);
    await until(() => stream.cursor !== "");
    await renewEpoch(database, ORDER);
    await stream.ended;
    expect(stream.all.at(-1)).toMatchObject({ event: "end", data: { code: "epoch_changed" } });
    const { status, body } = await read(there, stream.cursor);
    expect([status, (body as { code: string }).code]).toEqual([410, "epoch_changed"]);
    expect((await read(there, "start")).status).toBe(200);
  });
});
