import { beforeAll, expect, test } from "bun:test";
import { api } from "../support/api.ts";
import { connectPlain } from "../support/client.ts";
import { house, START_MS } from "../support/house.ts";
import type { Person } from "../support/people.ts";
import type { TestServer } from "../support/server.ts";
import { inSeconds, type Mint } from "../support/tokens.ts";

// What the first version of this service promised or did about history.

let mint: Mint;
let server: TestServer;
let ada: Person;

beforeAll(async () => {
  ({ server, mint, ada } = await house());
}, START_MS);

const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

test("a room's history has its messages, oldest first, at every spelling of the path", async () => {
  const socket = await connectPlain(server, { room: "sports", token: ada.token });
  for (const message of ["first", "second"]) {
    socket.send({ message });
    expect((await socket.next("message")).message).toBe(message);
  }
  socket.close();
  for (const path of ["/history/sports/", "/history/sports", "/history//sports/"]) {
    const answer = await api(server, `GET ${path}`, { token: ada.token });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject([
      { id: 1, username: "ada", content: "first", timestamp: expect.stringMatching(TIMESTAMP) },
      { id: 2, username: "ada", content: "second", timestamp: expect.stringMatching(TIMESTAMP) },
    ]);
    expect(answer.text).not.toContain("ada@example.com");
  }
});

test("the history of a room without messages is empty", async () => {
  const answer = await api(server, "GET /history/nowhere/", { token: ada.token });
  expect({ status: answer.status, body: answer.body }).toEqual({ status: 200, body: [] });
});

test("without a token, history returns 401 and a challenge with only the scheme", async () => {
  const { status, headers, body } = await api(server, "GET /history/sports/");
  expect(status).toBe(401);
  expect(headers.get("www-authenticate")).toBe('Bearer realm="parley"');
  expect(body).toMatchObject({ code: "token_missing" });
});

test.each<[string, () => string | Promise<string>, string]>([
  ["a garbage token", () => "garbage", "token_invalid"],
  ["an expired token", () => mint.alter(ada.token, { exp: inSeconds(-60) }), "token_expired"],
  ["a refresh token", () => ada.refresh, "token_invalid"],
])("with %s, history returns 401 and a challenge that names the error", async (_, token, code) => {
  const { status, headers, body, text } = await api(server, "GET /history/sports/", { token: await token() });
  expect(status).toBe(401);
  expect(headers.get("www-authenticate")).toContain('error="invalid_token"');
  expect(body).toMatchObject({ code });
  expect(text).not.toContain("first");
});

test("the history of a room with %00 in its name returns 400", async () => {
  const { status, body } = await api(server, "GET /history/a%00b/", { token: ada.token });
  expect(status).toBe(400);
  expect(body).toMatchObject({ code: "bad_room" });
});
