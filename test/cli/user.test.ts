import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { api } from "../support/api.ts";
import { connect } from "../support/client.ts";
import { postgresDatabase, type TestDatabase } from "../support/database.ts";
import { needs } from "../support/needs.ts";
import { PASSWORD, register } from "../support/people.ts";
import { commandFolder, dataFolder, runCommand, runParley, startParley } from "../support/process.ts";
import { startTestServer } from "../support/server.ts";
import { soonerThan } from "../support/sooner-than.ts";
import { until } from "../support/until.ts";

// Operator commands.

describe("with an embedded database", () => {
  let data: Awaited<ReturnType<typeof commandFolder>>;
  const settings = () => ({ DATA_DIR: data.path, LOGIN_RATE: "0" });
  const parley = (...args: string[]) => runCommand(args, settings());
  const login = async () => {
    const server = await startTestServer(settings());
    try {
      const body = { email: "ada@example.com", password: PASSWORD };
      return (await api(server, "POST /account/login/", { body })).status;
    } finally {
      await server.stop();
    }
  };

  beforeAll(async () => {
    data = await commandFolder();
    const server = await startTestServer(settings());
    await register(server, "ada");
    await server.stop();
  }, 20_000);
  afterAll(() => data.remove());

  test("a person can be disabled and enabled, by email or username", async () => {
    expect(await parley("user", "disable", "ADA@example.com", "spam", "again")).toMatchObject({
      code: 0,
      stderr: "",
    });
    expect(await login()).toBe(401);
    expect(await parley("user", "enable", "Ada")).toMatchObject({ code: 0, stderr: "" });
    expect(await login()).toBe(200);
  }, 30_000);

  test("a person's sessions can be ended", async () => {
    const { code, stdout } = await parley("sessions", "end", "ada");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Sessions ended: [1-9]\d*\./);
    expect((await parley("sessions", "end", "ada")).stdout).toStartWith("Sessions ended: 0.");
  }, 20_000);

  test("a key is created, listed and revoked by its name; its token is shown once", async () => {
    const created = await parley("api-key", "create", "grace");
    expect(created.stdout).toMatch(/^parley_[0-9A-Za-z]{38}\n$/);
    expect((await parley("api-key", "create", "grace")).stderr).toStartWith("A key with that name exists");
    expect((await parley("api-key", "revoke", "grace")).stdout).toStartWith("grace is revoked.");
    const scoped = await parley(
      "api-key",
      "create",
      "orders",
      "--scope",
      "rooms:post:order-*",
      "--scope",
      "as",
      "--expires",
      "90d",
    );
    expect(scoped.stderr).toStartWith("It may do this: rooms:post:order-* as.\nIt expires at 2");
    const { stdout } = await runCommand(["api-key", "list"], { ...settings(), ADMIN_TOKEN: "x".repeat(16) });
    const lines = stdout.trim().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { name: "ADMIN_TOKEN", scopes: ["admin"] },
      { name: "grace", scopes: ["admin"], lastUsedAt: null, revokedAt: expect.any(String) },
      { name: "orders", scopes: ["rooms:post:order-*", "as"], budget: 10, revokedAt: null },
    ]);
    expect(stdout).not.toContain(created.stdout.slice(0, 20));
  }, 30_000);

  test("everything that a person posted can be deleted, in one room or in all", async () => {
    const server = await startTestServer(settings());
    const [gil, finn] = [await register(server, "gil"), await register(server, "finn")];
    const post = (room: string, { token }: { token: string }) =>
      api(server, `POST /rooms/${room}/messages/`, { token, body: { content: "x" } });
    for (const room of ["spam", "spam", "more-spam"]) await post(room, gil);
    await post("spam", finn);
    await server.stop();
    const remove = async (...args: string[]) => (await parley("remove-messages", ...args)).stdout;
    expect(await remove("--room", "more-spam", "gil", "spam")).toStartWith("Deleted 1 messages.");
    expect(await remove("gil")).toStartWith("Deleted 2 messages.");
    expect(await remove("gil")).toStartWith("Deleted 0 messages.");
    const again = await startTestServer(settings());
    const { body } = await api(again, "GET /history/spam/", { token: finn.token });
    await again.stop();
    expect(body).toMatchObject([
      { id: 1, version: 4, username: "gil", content: "" },
      { id: 2, version: 5, username: "gil", content: "" },
      { id: 3, version: 3, username: "finn", content: "x" },
    ]);
  }, 60_000);

  test("everything that a person wrote is purged, with their reactions, and again without effect", async () => {
    const server = await startTestServer(settings());
    const [hal, ivy] = [await register(server, "hal"), await register(server, "ivy")];
    for (const [room, { token }] of [
      ["harbour", hal],
      ["harbour", ivy],
      ["pier", hal],
    ] as const)
      await api(server, `POST /rooms/${room}/messages/`, { token, body: { content: "x" } });
    await api(server, "PUT /rooms/harbour/messages/2/reactions/👍/", { token: hal.token });
    await server.stop();
    const purge = async () => (await parley("purge", "hal", "spam")).stdout;
    expect(await purge()).toStartWith("Deleted 2 messages, and the reactions to 1.");
    expect(await purge()).toStartWith("Deleted 0 messages, and the reactions to 0.");
    const entries = (await parley("audit", "3")).stdout.trim().split("\n");
    expect(entries.map((entry) => (JSON.parse(entry) as { action: string }).action).sort()).toEqual([
      "message.delete",
      "message.delete",
      "user.purge",
    ]);
    expect((await parley("delete-room", "harbour", "closed")).stdout).toStartWith(
      "Deleted the room harbour.",
    );
    expect((await parley("delete-room", "nowhere")).code).toBe(1);
    expect(JSON.parse((await parley("audit", "1")).stdout)).toMatchObject({
      action: "room.delete",
      room: "harbour",
    });
  }, 60_000);

  test("a deleted account can be restored", async () => {
    const server = await startTestServer(settings());
    const { token } = await register(server, "dan");
    expect((await api(server, "DELETE /account/me/", { token })).status).toBe(204);
    await server.stop();
    const { code, stdout } = await parley("restore-user", "dan@example.com", "asked");
    expect([code, stdout]).toEqual([0, expect.stringContaining("is not deleted, and can log in")]);
    expect(JSON.parse((await parley("audit", "1")).stdout)).toMatchObject({
      action: "account.restore",
      username: "dan",
      reason: "asked",
    });
  }, 30_000);

  test("a registration link is printed once, and creates one account", async () => {
    const link = (...args: string[]) =>
      runCommand(["registration-link", ...args], {
        ...settings(),
        REGISTRATION: "invite",
        PUBLIC_URL: "https://chat.example.com",
      });
    const { code, stdout, stderr } = await link("--expires", "2h", "for", "eve");
    expect([code, stderr]).toEqual([0, expect.stringContaining("It creates one account, until 2")]);
    const [, invite] = /^https:\/\/chat\.example\.com\/#\/register\/([\w-]{32})\n$/.exec(stdout) ?? [];
    expect(invite).toBeString();
    expect(await parley("registration-link")).toMatchObject({
      stdout: expect.stringMatching(/^\/#\/register\/[\w-]{32}\n$/),
      stderr: expect.stringMatching(/^REGISTRATION is open here: .*\nPUBLIC_URL is not set: /),
    });
    for (const wrong of [["--expires", "soon"], ["--expires"], ["--expire", "7d"]])
      expect(await link(...wrong)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("Usage: parley registration-link [--expires <time>] [reason]"),
      });

    const server = await startTestServer({ ...settings(), REGISTRATION: "invite" });
    const eve = { email: "eve@example.com", password: PASSWORD, password2: PASSWORD };
    const statuses = [];
    for (const body of [eve, { ...eve, invite }, { ...eve, email: "mal@example.com", invite }])
      statuses.push((await api(server, "POST /account/reg/", { body })).status);
    await server.stop();
    expect(statuses).toEqual([403, 201, 403]);
  }, 30_000);

  test("invalid arguments are reported in one line", async () => {
    for (const [args, line] of [
      [["user", "disable", "nobody"], "Nobody has that id, username or email.\n"],
      [["user", "disable"], "Usage: parley user disable <id|username|email> [reason]\n"],
      [["user", "delete", "ada"], "Usage: parley user disable|enable <id|username|email> [reason]\n"],
      [
        ["api-key", "create"],
        "Usage: parley api-key create <name> [--scope <scope>]… [--expires <time>] [--budget <times>] | revoke <name> [--all] | list\n",
      ],
      [
        ["api-key", "create", "x", "--expires", "soon"],
        "--expires must be a number with a unit: 500ms, 30s, 15m, 1h or 30d\n",
      ],
      [["sessions"], "Usage: parley sessions end <id|username|email> [reason]\n"],
    ] as const)
      expect(await parley(...args)).toEqual({ code: 1, stdout: "", stderr: line });
  }, 20_000);

  test("while a server owns the database, they name its process and the equivalent route", async () => {
    const held = await dataFolder();
    const server = await startParley({ DATA_DIR: held.path });
    try {
      for (const [args, route] of [
        [["user", "disable", "ada@example.com"], "POST /admin/users/ada%40example.com/disable"],
        [["user", "enable", "ada"], "POST /admin/users/ada/enable"],
        [["audit", "7"], "GET /admin/audit?limit=7"],
        [["keys"], "GET /admin/keys"],
        [["revoke-key", "a/b"], "DELETE /admin/keys/a%2Fb"],
        [["api-key", "revoke", "grace"], "DELETE /api-keys/grace/"],
        [["api-key", "create", "grace"], "POST /api-keys/"],
        [["sessions", "end", "ada"], "DELETE /admin/users/ada/sessions"],
        [["restore-user", "ada"], "POST /admin/users/ada/restore"],
        [["remove-messages", "--room", "tea", "ada"], "DELETE /admin/users/ada/messages?room=tea"],
        [["purge", "ada"], "POST /admin/users/ada/purge"],
        [["delete-room", "tea"], "DELETE /admin/rooms/tea"],
        [["registration-link", "--expires", "1h"], "POST /admin/registration-links?expires=1h"],
      ] as const) {
        const { code, stderr } = await runCommand(args, { DATA_DIR: held.path });
        expect(code).toBe(1);
        expect(stderr).toContain(`process ${server.pid} `);
        expect(stderr).toContain(`${route} with an operator's token`);
        expect(stderr.trim()).not.toContain("\n");
      }
    } finally {
      await server.end();
      held.remove();
    }
  }, 30_000);
});

needs("TEST_DATABASE_URL")("with a database that a server uses", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await postgresDatabase();
  }, 20_000);
  afterAll(() => database.close());

  test("the server acts on it within 10 s", async () => {
    const server = await startParley({ ...database.env, LOGIN_RATE: "0" });
    try {
      const [ada, ben] = [await register(server, "ada"), await register(server, "ben")];
      const sockets = await Promise.all(
        [ada, ben].map(({ token }) => connect(server, { room: "lobby", token })),
      );
      await Promise.all([
        runParley(["user", "disable", "ada"], database.env),
        runParley(["sessions", "end", ben.email], database.env),
      ]);
      const closed = Promise.all(sockets.map((socket) => socket.closed));
      expect((await soonerThan(10_000, closed)).map(({ code }) => code)).toEqual([4502, 4500]);
    } finally {
      await server.end();
    }
  }, 30_000);

  test("an operator's key works at once, is shown with its last use, and does not work once it is revoked", async () => {
    const server = await startParley({ ...database.env, LOGIN_RATE: "0" });
    try {
      const token = (await runParley(["api-key", "create", "grace"], database.env)).stdout.trim();
      const admin = (target: string) => api(server, target, { token });
      const used = async () => {
        const keys = (await admin("GET /admin/api-keys/")).body as {
          name: string;
          lastUsedAt: string | null;
        }[];
        return keys.find(({ name }) => name === "grace")?.lastUsedAt ?? null;
      };
      await until(async () => (await used()) !== null);
      expect((await admin("DELETE /admin/api-keys/grace/?reason=left")).status).toBe(200);
      expect((await admin("GET /admin/audit/")).body).toMatchObject({ status: 401, code: "token_invalid" });
      const { stdout } = await runParley(["audit", "1"], database.env);
      expect(JSON.parse(stdout)).toMatchObject({
        action: "api_key.revoke",
        target: "grace",
        actor: "grace",
        via: "http",
      });
    } finally {
      await server.end();
    }
  }, 30_000);

  test("what was created with a revoked key is named, and ends with --all", async () => {
    const server = await startParley({ ...database.env, LOGIN_RATE: "0" });
    const parley = (...args: string[]) => runParley(["api-key", ...args], database.env);
    try {
      const stolen = (await parley("create", "stolen")).stdout.trim();
      const create = async (target: string, body: object) =>
        (await api(server, target, { token: stolen, body })).body as { id: string; token: string };
      const { token } = await create("POST /api-keys/", { name: "hidden", scopes: ["hooks"] });
      const { id } = await create("POST /hooks/", { name: "mine", url: "https://a.example/" });
      const made = `  the key hidden\n  the webhook ${id} mine\n`;
      expect((await parley("revoke", "stolen")).stdout).toBe(
        `stolen is revoked. Running servers refuse it within 2 s.\nWhat was created with it still works:\n${made}parley api-key revoke stolen --all ends all of it.\n`,
      );
      const statusOf = async () => (await api(server, "GET /incoming-hooks/", { token })).status;
      expect(await statusOf()).toBe(200);
      expect((await parley("revoke", "stolen", "--all")).stdout).toBe(
        `stolen is revoked. Running servers refuse it within 2 s.\nWhat was created with it has ended too:\n${made}`,
      );
      await until(async () => (await statusOf()) === 401);
    } finally {
      await server.end();
    }
  }, 40_000);

  test("a revoked key closes the sockets whose tokens it signed, and its clients get new tokens", async () => {
    const server = await startParley({ ...database.env, LOGIN_RATE: "0" });
    try {
      const cy = await register(server, "cy");
      const socket = await connect(server, { room: "lobby", token: cy.token });
      const parley = (...args: string[]) => runParley(args, database.env);
      const known = (await parley("keys")).stdout.trim().split("\n");
      const { kid } = known.map((line) => JSON.parse(line)).find(({ kind }) => kind === "sign");
      expect(await parley("revoke-key", kid)).toMatchObject({ code: 0, stderr: "" });
      expect(await soonerThan(10_000, socket.closed)).toEqual({ code: 4500, reason: "token_invalid" });
      const { refresh } = cy;
      const refreshed = () => api(server, "POST /account/refresh/", { body: { refresh } });
      let answer = await refreshed();
      // The successor signs after a few seconds. Until then the answer says when to come back.
      if (answer.status === 503) {
        expect(answer.body).toMatchObject({ code: "unavailable", retryAfterMs: 5000 });
        await Bun.sleep(5000);
        answer = await refreshed();
      }
      const { access } = answer.body as { access: string };
      expect((await api(server, "GET /account/me/", { token: access })).status).toBe(200);
      expect((await api(server, "GET /account/me/", { token: cy.token })).status).toBe(401);
      expect((await parley("revoke-key", kid)).stderr).toStartWith("No key has that id");
    } finally {
      await server.end();
    }
  }, 40_000);
});
