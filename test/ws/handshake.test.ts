import { afterAll, beforeAll, expect, test } from "bun:test";
import { house, START_MS } from "../support/house.ts";
import { type Person, register } from "../support/people.ts";
import { handshake, nextFrame, openRaw } from "../support/raw.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

let server: TestServer;
let ada: Person;
let ben: Person;
/** A server that rejects tokens in the query and allows one origin only. */
let strict: TestServer;
let cy: Person;

beforeAll(async () => {
  ({ server, ada, ben } = await house());
  strict = await startTestServer({ ALLOWED_ORIGINS: "https://app.example.com", QUERY_TOKEN: "off" });
  cy = await register(strict, "cy");
}, START_MS);
afterAll(() => strict.stop());

type Headers = Record<string, string>;

/** Opens a socket and ends it. `greeting`: the username in `welcome`, if the socket speaks chat.v1. */
async function shake(path: string, headers: Headers = {}, at = server) {
  const { connection, ...answer } = await handshake(at, path, headers);
  const protocol = answer.headers.get("sec-websocket-protocol");
  const first = protocol === "chat.v1" ? await nextFrame(connection) : undefined;
  connection.end();
  const greeting = first && "text" in first ? JSON.parse(first.text).user?.username : first;
  const problem = answer.status === 101 ? undefined : JSON.parse(answer.body).code;
  return { ...answer, protocol, greeting, problem };
}

const offer = (...protocols: string[]): Headers => ({ "Sec-WebSocket-Protocol": protocols.join(", ") });
const bearer = ({ token }: Person): Headers => ({ Authorization: `Bearer ${token}` });

test("the token can be in the header, the subprotocol list or the query", async () => {
  expect((await shake("/ws/chat/global/", bearer(ada))).status).toBe(101);
  expect((await shake(`/ws/chat/global/?token=${ada.token}`)).status).toBe(101);
  expect((await shake("/ws/", offer("chat.v1", `bearer.${ada.token}`))).greeting).toBe("ada");
  expect((await shake("/ws/", { ...bearer(ada), ...offer("chat.v1") })).greeting).toBe("ada");
  expect((await shake(`/ws/?token=${ada.token}`, offer("chat.v1"))).greeting).toBe("ada");
});

test("the header takes precedence over the subprotocol list, and the list over the query", async () => {
  const listed = offer("chat.v1", `bearer.${ben.token}`);
  expect((await shake("/ws/", { ...bearer(ada), ...listed })).greeting).toBe("ada");
  expect((await shake(`/ws/?token=${ada.token}`, listed)).greeting).toBe("ben");
  expect(
    (await shake(`/ws/chat/global/?token=${ada.token}`, { Authorization: "Bearer garbage" })).problem,
  ).toBe("token_invalid");
});

test("the server echoes only chat.v1, not the token in the list", async () => {
  const { status, protocol, headers } = await shake("/ws/", offer(`bearer.${ada.token}`, "chat.v1"));
  expect({ status, protocol }).toEqual({ status: 101, protocol: "chat.v1" });
  expect(JSON.stringify([...headers])).not.toContain(ada.token);
});

test.each<[string, Headers]>([
  ["another protocol", offer("chat.v2")],
  ["a token alone", offer("bearer.abc")],
  ["an empty list", { "Sec-WebSocket-Protocol": "" }],
])("a subprotocol list without a supported one is rejected with 400: %s", async (_, headers) => {
  const { status, problem } = await shake("/ws/chat/global/", { ...headers, ...bearer(ada) });
  expect({ status, problem }).toEqual({ status: 400, problem: "unsupported_protocol" });
});

test("the address without a room speaks only chat.v1", async () => {
  const { status, problem } = await shake(`/ws/?token=${ada.token}`);
  expect({ status, problem }).toEqual({ status: 400, problem: "unsupported_protocol" });
});

test("pages of other origins get no socket; pages of an allowed origin and programs without one do", async () => {
  const from = (origin: string) => shake("/ws/chat/global/", { ...bearer(cy), Origin: origin }, strict);
  expect(await from("https://evil.example.com")).toMatchObject({ status: 403, problem: "bad_origin" });
  expect(await from("null")).toMatchObject({ status: 403, problem: "bad_origin" });
  expect(await from("https://app.example.com.evil.example")).toMatchObject({ status: 403 });
  expect((await from("https://app.example.com")).status).toBe(101);
  expect((await shake("/ws/chat/global/", bearer(cy), strict)).status).toBe(101);
});

test.each(["/ws/", "/ws", "/ws/chat/global/", "/ws/chat/global"])(
  "a request to %s without an upgrade gets 426",
  async (path) => {
    const response = await fetch(server.url + path, { headers: bearer(ada) });
    expect(response.status).toBe(426);
    expect(response.headers.get("upgrade")).toBe("websocket");
    expect(await response.json()).toMatchObject({ code: "upgrade_required", retryable: false });
  },
);

test("a handshake without its key is rejected with 426 and is no server fault", async () => {
  const connection = await openRaw(server);
  const { token } = ada;
  connection.socket.write(
    `GET /ws/chat/global/?token=${token} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
  );
  expect(await connection.answer()).toMatchObject({ status: 426 });
  connection.end();
});

test.each<[string, number, string]>([
  ["/ws/unknown/", 404, "not_found"],
  ["/ws/chat", 404, "not_found"],
  ["/ws/chat/a/b/", 400, "bad_room"],
  ["/ws/chat/global/?since=x", 400, "invalid"],
])("%s is rejected with %d", async (path, status, problem) => {
  expect(await shake(path, bearer(ada))).toMatchObject({ status, problem });
});

test("the log never contains a token, however it was sent", async () => {
  await shake(`/ws/chat/global/?token=${ada.token}`);
  await shake(`/ws/chat/global/?token=${ada.token}x`);
  await shake("/ws/", offer("chat.v1", `bearer.${ada.token}`));
  expect(server.log.filter(({ event }) => event === "socket_closed")).not.toBeEmpty();
  expect(JSON.stringify(server.log)).not.toContain(ada.token);
});

test("QUERY_TOKEN=off rejects tokens in the query only", async () => {
  const queried = await shake(`/ws/chat/global/?token=${cy.token}`, {}, strict);
  expect(queried).toMatchObject({ status: 401, problem: "token_missing" });
  expect((await shake("/ws/chat/global/", bearer(cy), strict)).status).toBe(101);
  expect((await shake("/ws/", offer("chat.v1", `bearer.${cy.token}`), strict)).greeting).toBe("cy");
});
