import { beforeAll, expect, test } from "bun:test";
import { api } from "../support/api.ts";
import { connect, connectPlain } from "../support/client.ts";
import { house, START_MS } from "../support/house.ts";
import { PASSWORD, register } from "../support/people.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

// Sockets that the server closes: after a logout, a deletion, and when it stops.

let server: TestServer;

beforeAll(async () => {
  ({ server } = await house());
}, START_MS);

test("logging out closes the sockets of that session, and no others", async () => {
  const dora = await register(server, "dora");
  const body = { email: dora.email, password: PASSWORD };
  const phone = (await api(server, "POST /account/login/", { body })).body as { access: string };
  const ending = await Promise.all([
    connect(server, { token: dora.token }),
    connectPlain(server, { room: "global", token: dora.token }),
  ]);
  const staying = await connect(server, { token: phone.access });
  const { status } = await api(server, "POST /account/logout/", { body: { refresh: dora.refresh } });
  expect(status).toBe(204);
  for (const socket of ending) expect((await socket.closed).code).toBe(4500);
  expect(await staying.ask({ type: "ping" })).toMatchObject({ type: "ok" });
  const again = await connect(server, { token: dora.token });
  expect((await again.closed).code).toBe(4500);
  staying.close();
});

test("deleting an account closes all of its sockets", async () => {
  const eli = await register(server, "eli");
  const sockets = await Promise.all([
    connect(server, { token: eli.token }),
    connectPlain(server, { room: "global", token: eli.token }),
  ]);
  expect((await api(server, "DELETE /account/me/", { token: eli.token })).status).toBe(204);
  for (const socket of sockets) expect((await socket.closed).code).toBe(4502);
});

test(
  "a stopping server sends all replies, says when to come back, and closes with 4000",
  async () => {
    const leaving = await startTestServer({ MESSAGE_RATE: "0", BUDGETS: "0" });
    const cy = await register(leaving, "cy");
    const v1 = await connect(leaving, { room: "global", token: cy.token });
    const plain = await connectPlain(leaving, { room: "global", token: cy.token });
    await v1.next("synced");
    const acks = Array.from({ length: 50 }, () =>
      v1.ask({ type: "send", clientId: crypto.randomUUID(), content: "last words" }),
    );
    expect(await v1.ask({ type: "ping" })).toMatchObject({ type: "ok" }); // by now the server has received all of them
    const stopped = leaving.stop();
    expect((await v1.next("closing")).retryAfterMs).toBeWithin(1, 10_000);
    expect(await v1.closed).toEqual({ code: 4000, reason: "going_away" });
    expect((await plain.closed).code).toBe(4000);
    for (const ack of acks) expect((await ack).type).toBe("ok");
    await stopped;
  },
  START_MS,
);
