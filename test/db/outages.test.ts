import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { api } from "../support/api.ts";
import { createDatabase } from "../support/database.ts";
import { needs } from "../support/needs.ts";
import { PASSWORD, type Person, register } from "../support/people.ts";
import { startPgBouncer } from "../support/pgbouncer.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

const post = (server: TestServer, { token }: Person) =>
  api(server, "POST /rooms/tea/messages/", {
    token,
    body: { clientId: crypto.randomUUID(), content: "hello" },
  });
const logIn = (server: TestServer, { email }: Person) =>
  api(server, "POST /account/login/", { body: { email, password: PASSWORD } });
const readiness = async (server: TestServer) => (await api(server, "GET /readyz")).body;

needs("TEST_DATABASE_URL")("a database that turns read-only while the server runs", () => {
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let server: TestServer;
  let operator: Bun.SQL;
  beforeAll(async () => {
    database = await createDatabase();
    operator = new Bun.SQL(process.env.TEST_DATABASE_URL ?? "", { max: 1 });
    server = await startTestServer({ DATABASE_URL: database.url, LOGIN_RATE: "0" });
  });
  afterAll(async () => {
    await server.stop();
    await operator.close();
    await database.drop();
  });

  // As in a failover: the connections end, and the new ones lead to a server that only reads.
  test("is reported, and everything works again on its own once it accepts writes", async () => {
    const ada = await register(server, "ada");
    const name = new URL(database.url).pathname.slice(1);
    await operator.unsafe(`alter database ${name} set default_transaction_read_only = on`);
    await operator.unsafe(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`);

    await until(async () => (await api(server, "GET /readyz")).status === 503);
    await until(async () =>
      Bun.deepEquals(await readiness(server), { status: "unready", reason: "the database is read-only" }),
    );
    expect(await logIn(server, ada)).toMatchObject({
      status: 503,
      body: { code: "unavailable", retryable: true },
    });
    const posted = post(server, ada);

    await operator.unsafe(`alter database ${name} reset default_transaction_read_only`);
    await until(async () => (await api(server, "GET /readyz")).status === 200);
    await until(async () => (await logIn(server, ada)).status === 200);
    expect((await posted).status).toBe(201);
    expect(server.log.filter(({ event }) => event === "fault")).toEqual([]);
  });
});

needs("TEST_DATABASE_URL", "pgbouncer")("behind PgBouncer", () => {
  let database: Awaited<ReturnType<typeof createDatabase>>;
  beforeAll(async () => {
    database = await createDatabase();
  });
  afterAll(() => database.drop());

  test("in transaction mode, two connections carry everything", async () => {
    const pooler = await startPgBouncer(database.url, "transaction", 2);
    const server = await startTestServer({
      DATABASE_URL: pooler.url,
      LOGIN_RATE: "0",
      MESSAGE_RATE: "0",
      BUDGETS: "0",
    });
    const ada = await register(server, "ada");
    const posted = await Promise.all(Array.from({ length: 50 }, () => post(server, ada)));
    expect(posted.map(({ status }) => status)).toEqual(posted.map(() => 201));
    expect((await logIn(server, ada)).status).toBe(200);
    expect((await api(server, "GET /rooms/", { token: ada.token })).body).toMatchObject([{ room: "tea" }]);
    expect(await readiness(server)).toEqual({ status: "ready" });
    await server.stop();
    await pooler.stop();
  });

  test("in session mode with too few connections, the server says how many it needs", async () => {
    const pooler = await startPgBouncer(database.url, "session", 5);
    await expect(startTestServer({ DATABASE_URL: pooler.url })).rejects.toThrow(
      /has 5 of the \d+ connections/,
    );
    await pooler.stop();
  });
});
