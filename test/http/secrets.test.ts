import { afterAll, beforeAll, expect, test } from "bun:test";
import { ADMIN_TOKEN } from "../chat/ways.ts";
import { api } from "../support/api.ts";
import { connect } from "../support/client.ts";
import { START_MS } from "../support/house.ts";
import { type Person, register } from "../support/people.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

// What strangers can find out about private rooms: nothing. A room that exists and one that does not are told apart by no
// response, header, list, cursor or frame.

let server: TestServer;
let ada: Person;
let eve: Person;
/** A private room of ada's, and a name of the same form that nobody has. */
let room: string;
const NONE = `~${"a".repeat(26)}`;

beforeAll(async () => {
  server = await startTestServer({ MESSAGE_RATE: "0", BUDGETS: "0", LOGIN_RATE: "0", ADMIN_TOKEN });
  [ada, eve] = [await register(server, "ada"), await register(server, "eve")];
  const { body } = await api(server, "POST /rooms/", {
    token: ada.token,
    body: { title: "Layoffs 2026", clientId: crypto.randomUUID() },
  });
  ({ room } = body as { room: string });
  await api(server, `POST /rooms/${room}/messages/`, { token: ada.token, body: { content: "secret" } });
}, START_MS);
afterAll(() => server.stop());

test("a room that the server named looks like one that does not exist, on every route", async () => {
  const clientId = crypto.randomUUID();
  const requests: [target: (name: string) => string, body?: object][] = [
    [(name) => `GET /rooms/${name}/`],
    [(name) => `GET /history/${name}/`],
    [(name) => `GET /history/${name}/?around=1`],
    [(name) => `GET /rooms/${name}/members/`],
    [(name) => `GET /rooms/${name}/members/?q=ada`],
    [(name) => `GET /rooms/${name}/reports/`],
    [(name) => `GET /rooms/${name}/invitations/`],
    [(name) => `DELETE /rooms/${name}/invitations/${clientId}/`],
    [(name) => `PATCH /rooms/${name}/reports/${clientId}/`, { resolution: "x" }],
    [(name) => `POST /rooms/${name}/invitations/`, { expiresIn: 60 }],
    [(name) => `POST /rooms/${name}/messages/1/report/`, { reason: "x" }],
    [(name) => `POST /rooms/${name}/messages/`, { content: "x", clientId }],
    [(name) => `PATCH /rooms/${name}/messages/1/`, { content: "x", clientId }],
    [(name) => `DELETE /rooms/${name}/messages/1/?clientId=${clientId}`],
    [(name) => `PUT /rooms/${name}/messages/1/reactions/%F0%9F%91%8D/?clientId=${clientId}`],
    [(name) => `PATCH /rooms/${name}/`, { title: "x", clientId }],
    [(name) => `PUT /rooms/${name}/members/@ada/`, { clientId }],
    [(name) => `PUT /rooms/${name}/members/@eve/`, { clientId }],
    [(name) => `DELETE /rooms/${name}/members/@ada/`],
    [(name) => `DELETE /rooms/${name}/members/me/`],
    [(name) => `PUT /rooms/${name}/members/me/`, { pinned: true }],
    [(name) => `PUT /rooms/${name}/bans/@ada/`, { clientId }],
    [(name) => `PUT /rooms/${name}/mutes/@ada/`, { clientId }],
  ];
  for (const [target, body] of requests) {
    const seen = async (name: string) => {
      const { status, headers, text } = await api(server, target(name), {
        token: eve.token,
        ...(body && { body }),
      });
      const shown = [...headers].filter(([header]) => header !== "date").sort();
      return JSON.stringify([status, text, shown])
        .replaceAll(encodeURIComponent(name), "…")
        .replaceAll(name, "…");
    };
    const none = await seen(NONE);
    expect([target("…"), await seen(room)]).toEqual([target("…"), none]);
    expect(none).not.toStartWith("[2");
  }
});

test("it is in no list, count or Link of a stranger, and on no socket", async () => {
  for (const query of [
    "?all&limit=200",
    "?all&limit=1&after=z",
    "?order=activity",
    "?order=activity&hidden",
    "",
  ]) {
    const { text, headers } = await api(server, `GET /rooms/${query}`, { token: eve.token });
    expect(text + headers.get("link")).not.toContain("~");
    expect(text).not.toContain("Layoffs");
  }
  const socket = await connect(server, { token: eve.token });
  const refused = async (command: object) => {
    const answers = [];
    for (const name of [room, NONE])
      answers.push(
        JSON.stringify({ ...(await socket.ask({ ...command, room: name } as never)), ref: 0 }).replaceAll(
          name,
          "…",
        ),
      );
    expect(answers[0]).toBe(answers[1] as string);
    expect(answers[0]).toContain('"not_found"');
  };
  const clientId = crypto.randomUUID();
  for (const command of [
    { type: "join" },
    { type: "join", since: "1.1" },
    { type: "send", clientId, content: "x" },
    { type: "edit", clientId, id: 1, content: "x" },
    { type: "delete", clientId, id: 1 },
    { type: "react", clientId, id: 1, emoji: "👍", on: true },
    { type: "history" },
    { type: "read", id: 1 },
    { type: "member", clientId, user: "@ada", set: "muted" },
    { type: "room", clientId, title: "x" },
  ])
    await refused(command);
  socket.close();
});

test("someone who was removed or banned is told so, and learns nothing about what came after", async () => {
  const put = (target: string, body?: object) =>
    api(server, target, { token: ada.token, ...(body && { body }) });
  expect((await put(`PUT /rooms/${room}/members/@eve/`, {})).status).toBeLessThan(300);
  expect((await put(`DELETE /rooms/${room}/members/@eve/`)).status).toBe(200);
  await put(`POST /rooms/${room}/messages/`, { content: "after" });
  for (const target of [
    `GET /rooms/${room}/`,
    `GET /history/${room}/`,
    `GET /rooms/${room}/members/`,
    `GET /rooms/${room}/invitations/`,
  ]) {
    const { status, text, headers } = await api(server, target, { token: eve.token });
    expect(status).toBe(403);
    expect(text).not.toContain("Layoffs");
    expect(headers.has("parley-version")).toBe(false);
  }
});
