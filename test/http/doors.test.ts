import { beforeAll, expect, test } from "bun:test";
import { edit, react, remove } from "../chat/commands.ts";
import { connect } from "../support/client.ts";
import { house, START_MS } from "../support/house.ts";
import type { Person } from "../support/people.ts";
import type { TestServer } from "../support/server.ts";
import { callsTo, problem } from "./calls.ts";

// The same change over HTTP and a socket is one change.

let server: TestServer;
let ada: Person;
let ben: Person;

beforeAll(async () => {
  ({ server, ada, ben } = await house());
}, START_MS);

const { by, patch, reaction, post } = callsTo(() => ({ server, ada }));
const uuid = () => crypto.randomUUID();

test("a change is done once, whether it is sent or repeated over HTTP or a socket", async () => {
  const socket = await connect(server, { room: "http-doors", token: ada.token });
  await post("http-doors");
  const [edited, reacted, removed] = [uuid(), uuid(), uuid()];
  expect(
    await patch("http-doors", 1, { content: "over HTTP", clientId: edited.toUpperCase() }),
  ).toMatchObject({
    body: { version: 2, clientId: edited },
  });
  expect(await socket.ask(edit(1, "over a socket", edited))).toMatchObject({
    type: "ok",
    version: 2,
    duplicate: true,
  });
  expect(await socket.ask(react(1, "👍", true, reacted))).toMatchObject({ type: "ok", version: 3 });
  const again = await by(`PUT ${reaction("http-doors", 1, "👍", `?clientId=${reacted}`)}`);
  expect([again.status, again.body]).toEqual([
    200,
    { id: 1, version: 3, room: "http-doors", clientId: reacted, duplicate: true },
  ]);
  expect(await socket.ask(remove(1, edited))).toMatchObject({ code: "client_id_reused" });
  expect(await by(`DELETE /rooms/http-doors/messages/1/?clientId=${edited}`)).toMatchObject(
    problem(409, "client_id_reused"),
  );
  expect(await by(`DELETE /rooms/http-doors/messages/1/?clientId=${removed}`)).toMatchObject({
    body: { version: 4 },
  });
  expect(await socket.ask(remove(1, removed))).toMatchObject({ type: "ok", version: 4, duplicate: true });
  // Client ids are separate per person, and those of posts are separate from those of changes.
  expect(
    await by(`PUT ${reaction("http-doors", await post("http-doors"), "👍", `?clientId=${edited}`)}`, ben),
  ).toMatchObject({
    body: { version: 6 },
  });
  const posted = await by("POST /rooms/http-doors/messages/", ada, {
    body: { content: "a", clientId: edited },
  });
  expect(posted).toMatchObject({ status: 201, body: { id: 7 } });
  socket.close();
});

test("the same change sent over HTTP and a socket at once is done once", async () => {
  const socket = await connect(server, { room: "http-at-once", token: ada.token });
  await post("http-at-once");
  const clientId = uuid();
  const answers = await Promise.all(
    [1, 2, 3, 4].flatMap(() => [
      socket.ask(edit(1, "changed", clientId)),
      patch("http-at-once", 1, { content: "changed", clientId }).then(
        ({ body }) => body as { version: number; duplicate?: boolean },
      ),
    ]),
  );
  expect(answers.map(({ version }) => version)).toEqual(Array(8).fill(2));
  expect(answers.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
  socket.close();
});
