import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect, connectPlain } from "../support/client.ts";
import { START_MS } from "../support/house.ts";
import { register } from "../support/people.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { post, react } from "./commands.ts";

// A change is small, but the whole message is delivered: many changes at once are more than a socket takes.

const MESSAGES = 800;
let server: TestServer;

beforeAll(async () => {
  server = await startTestServer({ MESSAGE_RATE: "0", BUDGETS: "0", LOGIN_RATE: "0" });
}, START_MS);
afterAll(() => server.stop());

test("when hundreds of long messages change at once, their reader lags for a moment and is not cut", async () => {
  const [ada, ben] = [await register(server, "ada"), await register(server, "ben")];
  const writer = await connect(server, { token: ada.token });
  await Promise.all(Array.from({ length: MESSAGES }, () => post(writer, "🙂".repeat(4_000), "flood")));
  const reader = await connect(server, { room: "flood", token: ben.token });
  const plain = await connectPlain(server, { room: "flood", token: ben.token });
  await reader.next("synced");

  const changes = Array.from({ length: MESSAGES }, (_, index) => ({
    ...react(index + 1, "👍"),
    room: "flood",
  }));
  const replies = await Promise.all(changes.map((change) => writer.ask(change)));
  expect(replies.every(({ type }) => type === "ok")).toBe(true);
  const messages = await reader.take("message", MESSAGES);
  expect(messages.map(({ id, version }) => [id, version])).toEqual(
    changes.map((_, index) => [index + 1, MESSAGES + index + 1]),
  );
  expect(await post(writer, "and live again", "flood")).toBe(2 * MESSAGES + 1);
  expect(await reader.next("message")).toMatchObject({ content: "and live again", prev: 2 * MESSAGES });
  expect(await plain.next("message")).toMatchObject({ message: "and live again" });
  for (const each of [writer, reader, plain]) each.close();
}, 60_000);
