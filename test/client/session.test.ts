import { describe, expect, test } from "bun:test";
import type { Locks } from "../../src/client/index.ts";
import { createRig, json, memory, outcome, problem, type Request } from "./rig.ts";

const ADA = { email: "ada@example.com", password: "correct horse battery" };

/** An account server in which each refresh token is valid once. */
function createAccounts() {
  let generation = 1;
  let refreshes = 0;
  const gates: Promise<void>[] = [];
  return {
    get refreshes() {
      return refreshes;
    },
    /** Makes the next refresh wait until the returned function is called. */
    hold() {
      const gate = Promise.withResolvers<void>();
      gates.push(gate.promise);
      return gate.resolve;
    },
    async http({ path, body, token, method }: Request): Promise<Response> {
      const pair = () => ({ access: `access ${generation}`, refresh: `refresh ${generation}` });
      const who = { email: "ada@example.com", username: "ada" };
      if (path === "/account/login/" || path === "/account/reg/") return json({ ...pair(), ...who });
      if (path === "/account/logout/") return new Response(null, { status: 204 });
      if (path === "/account/refresh/") {
        refreshes++;
        await gates.shift();
        if (body?.refresh !== `refresh ${generation}`) return problem("refresh_reused", 401);
        generation++;
        return json(pair());
      }
      if (token !== `access ${generation}`) return problem("token_expired", 401);
      if (method === "PATCH")
        return json({ username: "ada", user: { id: "u_ada", name: body?.name }, picture: null });
      return method === "DELETE" ? new Response(null, { status: 204 }) : json([{ id: "1", current: true }]);
    },
  };
}

async function signedIn(storage = memory(), locks?: Locks) {
  const accounts = createAccounts();
  const rig = createRig({ http: accounts.http, storage, ports: { locks } });
  await rig.chat.login(ADA);
  rig.chat.connect();
  await rig.settle();
  return { rig, accounts, storage };
}

const stored = (storage: ReturnType<typeof memory>) =>
  [...storage.items].find(([key]) => key.endsWith("session"))?.[1] ?? "";

describe("a session", () => {
  test("begins with a login or a registration, whose token the socket uses", async () => {
    const { rig } = await signedIn();
    expect(rig.requests[0]).toMatchObject({ method: "POST", path: "/account/login/", body: ADA });
    expect(rig.chat.snapshot().account).toEqual({ username: "ada", email: "ada@example.com" });
    expect(rig.wire.token).toBe("access 1");
    await rig.chat.register({ ...ADA, username: "ada" });
    expect(rig.requests[1]?.body).toEqual({ ...ADA, password2: ADA.password, username: "ada" });
  });

  test("survives a reload", async () => {
    const { storage, accounts } = await signedIn();
    const again = createRig({ http: accounts.http, storage });
    expect(await again.chat.ready).toBe(true);
    again.chat.connect();
    await again.settle();
    expect(again.wire.token).toBe("access 1");
    expect(again.requests).toEqual([]);
  });

  test("ends with a logout, which clears the storage and then notifies the server", async () => {
    const { rig, storage } = await signedIn();
    rig.wire.welcome();
    const room = rig.chat.room("hall", { history: 0 }).join();
    rig.wire.admit("hall", { version: 3 });
    const sent = outcome(room.send("unsaid"));
    const out = rig.chat.logout();
    expect(rig.wire.closed).toEqual({ code: 1000 });
    await out;
    expect(await sent).toBe("signed_out");
    expect([...storage.items]).toEqual([]);
    expect(rig.requests.at(-1)).toMatchObject({ path: "/account/logout/", body: { refresh: "refresh 1" } });
    expect(rig.chat.snapshot()).toMatchObject({ account: undefined, connection: { state: "idle" } });
    rig.chat.connect();
    await rig.pass(100_000);
    expect(rig.wires).toHaveLength(1);
  });

  test("connects only once someone signs in", async () => {
    const accounts = createAccounts();
    const rig = createRig({ http: accounts.http });
    const room = rig.chat.room("hall").join();
    const sent = room.send("Hello");
    await rig.pass(60_000);
    expect(rig.wires).toEqual([]);
    await rig.chat.login(ADA);
    await rig.settle();
    rig.wire.welcome();
    const { ref } = rig.wire.take("send");
    rig.wire.say({ type: "ok", ref, id: 1, version: 1, timestamp: "" });
    expect(await sent).toMatchObject({ id: 1 });
  });
});

describe("a refresh", () => {
  test("precedes the next connection if the token expired", async () => {
    const { rig, accounts, storage } = await signedIn();
    rig.wire.welcome();
    rig.wire.end(4001, "token_expired");
    await rig.back();
    expect(accounts.refreshes).toBe(1);
    expect(rig.wire.token).toBe("access 2");
    expect(JSON.parse(stored(storage))).toMatchObject({ access: "access 2", refresh: "refresh 2" });
  });

  test("is shared by concurrent callers", async () => {
    const { rig, accounts } = await signedIn();
    rig.wire.welcome();
    const release = accounts.hold();
    rig.wire.say({ type: "expiring", at: "2026-11-24T12:01:00Z" });
    await rig.settle();
    rig.wire.end(4001, "token_expired");
    await rig.back();
    expect(rig.wires).toHaveLength(1);
    release();
    await rig.settle();
    expect(accounts.refreshes).toBe(1);
    expect(rig.wire.token).toBe("access 2");
  });

  test("is tried once for a refused request", async () => {
    const { rig, accounts } = await signedIn();
    accounts.http({
      path: "/account/refresh/",
      body: { refresh: "refresh 1" },
      method: "POST",
      token: undefined,
    });
    // Someone else used the refresh token: the server now refuses it and the access token.
    expect(await outcome(rig.chat.sessions.read())).toBe("refresh_reused");
    expect(rig.requests.map(({ path }) => path)).toEqual([
      "/account/login/",
      "/account/sessions/",
      "/account/refresh/",
    ]);
  });

  test("that is refused ends the session and the connection", async () => {
    const { storage } = await signedIn();
    const ended: unknown[] = [];
    storage.items.set(
      "parley https://chat.example.com/ session",
      stored(storage).replace("refresh 1", "refresh 0"),
    );
    const again = createRig({ http: createAccounts().http, storage });
    await again.chat.ready;
    again.chat.on("session", ({ error }) => void ended.push(error?.code));
    again.chat.connect();
    await again.settle();
    again.wire.welcome();
    again.wire.end(4500, "session_ended");
    await again.back();
    expect(ended).toEqual(["refresh_reused"]);
    expect(again.chat.snapshot()).toMatchObject({
      account: undefined,
      connection: { state: "closed", error: { code: "refresh_reused" } },
    });
    expect([...storage.items]).toEqual([]);
    await again.pass(3_600_000);
    expect(again.requests).toHaveLength(1);
  });

  for (const [what, respond] of [
    ["a proxy's 502", () => new Response("<html>Bad gateway</html>", { status: 502 })],
    ["a page instead of JSON", () => new Response("<html>Welcome to the hotel</html>")],
    ["another server's 401", () => new Response("<html>Who are you?</html>", { status: 401 })],
    ["another server's 401 in JSON", () => json({ code: "unauthorized", message: "Who are you?" }, 401)],
    ["invalid tokens", () => json({ access: 1 })],
    ["a busy server", () => problem("busy", 503, true)],
    ["a network error", () => Promise.reject(new TypeError("fetch failed"))],
    ["no response", () => new Promise<Response>(() => {})],
  ] as const)
    test(`that meets ${what} is retried with backoff, without signing out`, async () => {
      let refreshes = 0;
      const rig = createRig({
        random: () => 0.999_999,
        http({ path }) {
          if (path !== "/account/refresh/")
            return json({ access: "access 1", refresh: "refresh 1", username: "ada", email: ADA.email });
          refreshes++;
          return respond();
        },
      });
      await rig.chat.login(ADA);
      rig.chat.connect();
      await rig.settle();
      rig.wire.end(4001, "token_expired");
      await rig.pass(200_000);
      expect(refreshes).toBeGreaterThan(4);
      expect(refreshes).toBeLessThan(14);
      expect(rig.wires).toHaveLength(1);
      expect(rig.chat.snapshot().account).toMatchObject({ username: "ada" });
      expect(["waiting", "connecting"]).toContain(rig.chat.snapshot().connection.state);
    });
});

describe("two tabs with one storage", () => {
  /** Locks like those of a browser: one holder at a time. */
  function createLocks(): Locks & { readonly names: string[] } {
    const last = new Map<string, Promise<unknown>>();
    const names: string[] = [];
    return {
      names,
      request<T>(name: string, work: () => Promise<T>) {
        names.push(name);
        const turn = (last.get(name) ?? Promise.resolve()).then(work, work);
        last.set(name, turn);
        return turn;
      },
    };
  }

  test("refresh one after the other, and the second takes over the token of the first", async () => {
    const locks = createLocks();
    const { rig, accounts, storage } = await signedIn(memory(), locks);
    const other = createRig({ http: accounts.http, storage, ports: { locks } });
    await other.chat.ready;
    other.chat.connect();
    await other.settle();
    for (const tab of [rig, other]) {
      tab.wire.welcome();
      tab.wire.end(4001, "token_expired");
    }
    const release = accounts.hold();
    const both = [rig.back(), other.back()];
    await rig.settle();
    release();
    await Promise.all(both);
    await rig.settle();
    expect(other.chat.snapshot().connection.state).toBe("connecting");
    await rig.pass(100); // Another process may be slow to see the storage.
    expect(locks.names).toHaveLength(2);
    expect(accounts.refreshes).toBe(1);
    expect([rig.wire.token, other.wire.token]).toEqual(["access 2", "access 2"]);
    expect([rig, other].map((tab) => tab.chat.snapshot().connection.state)).toEqual([
      "connecting",
      "connecting",
    ]);
  });
});

describe("sessions", () => {
  test("are listed and ended", async () => {
    const { rig } = await signedIn();
    expect((await rig.chat.sessions.read()).items).toMatchObject([{ id: "1", current: true }]);
    await rig.chat.sessions.end("a/b");
    await rig.chat.sessions.endOthers();
    expect(rig.requests.slice(2).map(({ method, path }) => `${method} ${path}`)).toEqual([
      "DELETE /account/sessions/a%2Fb/",
      "DELETE /account/sessions/",
    ]);
  });
});

describe("an HTTP request", () => {
  test("fails with the server's code, field errors and retry time", async () => {
    const rig = createRig({
      http: () =>
        json(
          {
            code: "invalid",
            detail: "No.",
            retryable: false,
            retryAfterMs: 9,
            errors: { email: ["is required"] },
          },
          400,
        ),
    });
    expect(await rig.chat.login(ADA).catch((error: unknown) => error)).toMatchObject({
      name: "ChatError",
      code: "invalid",
      message: "No.",
      status: 400,
      retryable: false,
      retryAfterMs: 9,
      errors: { email: ["is required"] },
    });
  });

  test("fails clearly if the response is not from a chat server", async () => {
    const rig = createRig({
      http: () => new Response("<html>", { status: 502, headers: { "retry-after": "7" } }),
    });
    expect(await rig.chat.login(ADA).catch((error: unknown) => error)).toMatchObject({
      code: "bad_answer",
      message: "Unexpected response (502).",
      retryable: true,
      retryAfterMs: 7_000,
    });
  });

  test("is given up with its signal or after a timeout", async () => {
    const rig = createRig({ http: () => new Promise<Response>(() => {}) });
    const control = new AbortController();
    const given = outcome(rig.chat.login(ADA, { signal: control.signal }));
    await rig.settle();
    control.abort(new Error("never mind"));
    expect(await given).toBe("Error: never mind");
    const slow = outcome(rig.chat.login(ADA));
    await rig.pass(15_000);
    expect(await slow).toBe("unreachable");
  });

  test("whose person changes their name renews its token, on the socket too, and says who they are now", async () => {
    const { rig } = await signedIn();
    rig.wire.welcome();
    const me = { id: "u_ada", username: "ada" };
    expect(rig.chat.snapshot().me).toEqual(me);
    await rig.chat.setProfile({ name: "Ada Lovelace" });
    await rig.settle();
    expect(rig.requests.find(({ method }) => method === "PATCH")?.body).toEqual({ name: "Ada Lovelace" });
    expect(rig.wire.take("auth")).toMatchObject({ token: "access 2" });
    expect(rig.chat.snapshot().me).toEqual({ ...me, name: "Ada Lovelace" });
    // Who one is outlasts a cut.
    rig.wire.end(1006);
    expect(rig.chat.snapshot()).toMatchObject({ connection: { state: "waiting" }, me: { id: "u_ada" } });
    await rig.chat.logout();
    expect(rig.chat.snapshot().me).toBeUndefined();
  });
});
