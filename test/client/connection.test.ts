import { describe, expect, test } from "bun:test";
import { ChatError } from "../../src/client/index.ts";
import { createRig, jwt, message, outcome } from "./rig.ts";

/** Creates a chat that has joined the room "hall". */
async function inHall(options: Parameters<typeof createRig>[0] = {}) {
  const rig = createRig(options);
  const room = rig.chat.room("hall", { history: 0 }).join();
  await rig.settle();
  rig.wire.welcome();
  rig.wire.admit("hall");
  return { ...rig, rig, room };
}

describe("connecting", () => {
  test("all rooms share one socket at /ws/, with the token among the subprotocols", async () => {
    const rig = createRig();
    rig.chat.room("hall").join();
    rig.chat.room("attic").join();
    await rig.settle();
    expect(rig.wires).toHaveLength(1);
    expect(rig.wire.url).toBe("wss://chat.example.com/ws/");
    expect(rig.wire.token).toBe("token");
    rig.wire.welcome();
    expect(rig.wire.sent.map(({ type, room }) => [type, room])).toEqual([
      ["join", "hall"],
      ["join", "attic"],
    ]);
    expect(rig.states).toEqual(["connecting", "open"]);
  });

  test("without a welcome, each wait has full jitter and is longer than the last", async () => {
    const rig = createRig({ random: () => 0.999_999 });
    rig.chat.connect();
    const waits: number[] = [];
    rig.chat.on("connection", (state) => state.state === "waiting" && waits.push(state.retryInMs));
    for (let attempt = 0; attempt < 9; attempt++) {
      await rig.settle();
      rig.wire.end(1006);
      await rig.back();
    }
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  });

  test("a connection that lasted for a while resets the backoff", async () => {
    const rig = createRig({ random: () => 0.999_999 });
    rig.chat.connect();
    for (const code of [1006, 1006, 1006]) {
      await rig.settle();
      rig.wire.end(code);
      await rig.back();
    }
    rig.wire.welcome();
    await rig.pass(6_000);
    rig.wire.end(1006);
    expect(rig.chat.snapshot().connection).toMatchObject({ state: "waiting", retryInMs: 500 });
  });

  test("a server that sends a welcome and closes at once is not called in a loop", async () => {
    const rig = createRig({ random: () => 0.5 });
    rig.chat.connect();
    await rig.settle();
    for (let round = 0; round < 1_000; round++) {
      if (rig.chat.snapshot().connection.state === "connecting") {
        rig.wire.welcome();
        rig.wire.end(4000, "going_away");
      }
      await rig.pass(100);
    }
    expect(rig.wires.length).toBeLessThan(15); // in 100 seconds
  });

  test("the wait ends at once when the network or the page is back", async () => {
    const rig = createRig({ random: () => 0.9 });
    rig.chat.connect();
    await rig.settle();
    rig.wire.end(1006);
    expect(rig.wires).toHaveLength(1);
    rig.wake();
    await rig.settle();
    expect(rig.wires).toHaveLength(2);
  });

  test("a wait that the server asked for does not end early", async () => {
    const rig = createRig();
    rig.chat.connect();
    await rig.settle();
    rig.wire.welcome();
    rig.wire.say({ type: "closing", reason: "going_away", retryAfterMs: 3_000 });
    rig.wire.end(4000, "going_away");
    expect(rig.chat.snapshot().connection).toMatchObject({ state: "waiting", retryInMs: 3_000 });
    rig.wake();
    await rig.pass(2_999);
    expect(rig.wires).toHaveLength(1);
    await rig.pass(1);
    expect(rig.wires).toHaveLength(2);
  });

  test("a token that cannot be sent closes the connection as token_invalid", async () => {
    const rig = createRig({
      ports: {
        open() {
          throw new SyntaxError("wrong subprotocol");
        },
      },
    });
    rig.chat.connect();
    await rig.settle();
    expect(rig.chat.snapshot().connection).toMatchObject({
      state: "closed",
      error: { code: "token_invalid" },
    });
  });
});

describe("close codes", () => {
  for (const code of [1001, 1006, 1011, 1012, 3000, 4000, 4002, 4003, 4242, 4499, 5000])
    test(`after ${code} it reconnects with the same token`, async () => {
      const asked: boolean[] = [];
      const rig = createRig({ tokens: ({ refused }) => jwt(`token ${asked.push(refused)}`) });
      rig.chat.connect();
      await rig.settle();
      rig.wire.welcome();
      rig.wire.end(code);
      await rig.pass(0);
      expect(rig.wires.map(({ token }) => token)).toEqual(["token 1", "token 1"]);
    });

  for (const code of [4001, 4500])
    test(`after ${code} it reconnects with another token`, async () => {
      const asked: boolean[] = [];
      const rig = createRig({ tokens: ({ refused }) => jwt(`token ${asked.push(refused)}`) });
      rig.chat.connect();
      await rig.settle();
      rig.wire.welcome();
      rig.wire.end(code);
      await rig.pass(0);
      expect(rig.wires.map(({ token }) => token)).toEqual(["token 1", "token 2"]);
      expect(asked).toEqual([false, true]);
    });

  for (const code of [1000, 4501, 4502, 4503, 4504, 4777, 4999])
    test(`after ${code} it stays disconnected until connect() is called`, async () => {
      const rig = createRig();
      rig.chat.connect();
      await rig.settle();
      rig.wire.welcome();
      rig.wire.end(code, code === 4502 ? "forbidden" : "");
      await rig.pass(3_600_000);
      rig.wake();
      rig.chat.room("hall").join();
      await rig.settle();
      expect(rig.wires).toHaveLength(1);
      expect(rig.chat.snapshot().connection.state).toBe("closed");
      rig.chat.connect();
      await rig.settle();
      expect(rig.wires).toHaveLength(2);
    });

  test("the close reason becomes the code of the error", async () => {
    const rig = createRig();
    rig.chat.connect();
    await rig.settle();
    rig.wire.end(4502, "account_disabled");
    expect(rig.chat.snapshot().connection).toMatchObject({
      state: "closed",
      error: {
        code: "account_disabled",
        retryable: false,
        message: "The connection was closed (4502).",
      },
    });
  });

  test("a server that rejects every token with 4500 is tried only twice", async () => {
    let given = 0;
    const rig = createRig({ tokens: () => jwt(`token ${++given}`) });
    rig.chat.connect();
    for (let round = 0; round < 5; round++) {
      await rig.settle();
      if (rig.chat.snapshot().connection.state === "connecting") rig.wire.end(4500);
      await rig.back();
    }
    expect(rig.wires).toHaveLength(2);
    expect(given).toBe(2);
    expect(rig.chat.snapshot().connection).toMatchObject({ state: "closed" });
  });

  test("a server that finds every token expired is tried with backoff, each time with another token", async () => {
    let given = 0;
    const rig = createRig({ tokens: () => jwt(`token ${++given}`), random: () => 0.999_999 });
    rig.chat.connect();
    const waits: number[] = [];
    rig.chat.on("connection", (state) => state.state === "waiting" && waits.push(state.retryInMs));
    for (let round = 1; round < 5; round++) {
      await rig.settle();
      expect(rig.wire.token).toBe(`token ${round}`);
      rig.wire.end(4001, "token_expired");
      await rig.back();
    }
    expect(waits).toEqual([500, 1_000, 2_000, 4_000]);
    await rig.settle();
    rig.wire.welcome();
    expect(rig.chat.snapshot().connection.state).toBe("open");
  });

  test("a server that rejects each token after its welcome is tried only twice, too", async () => {
    let given = 0;
    const rig = createRig({ tokens: () => jwt(`token ${++given}`) });
    rig.chat.connect();
    for (let round = 0; round < 5; round++) {
      await rig.settle();
      if (rig.chat.snapshot().connection.state !== "connecting") break;
      rig.wire.welcome();
      rig.wire.end(4500);
      await rig.pass(0);
    }
    expect(given).toBe(2);
  });

  test("tokens that are rejected far apart are renewed each time", async () => {
    let given = 0;
    const rig = createRig({ tokens: () => jwt(`token ${++given}`) });
    rig.chat.connect();
    await rig.settle();
    for (let round = 2; round < 5; round++) {
      rig.wire.welcome({ expiresAt: "2027-01-01T00:00:00Z" });
      await rig.pass(20_000);
      rig.wire.end(4500);
      await rig.back();
      expect(rig.wire.token).toBe(`token ${round}`);
    }
  });

  for (const code of [1009, 1007, 1002])
    test(`after ${code} all frames without a reply are sent again, except the largest`, async () => {
      const { rig, room, chat } = await inHall();
      const attic = chat.room("attic", { history: 0 }).join();
      rig.wire.admit("attic");
      const small = room.send("small");
      const large = outcome(attic.send("large".repeat(1_000)));
      rig.wire.end(code);
      expect(await large).toBe("too_large");
      await rig.pass(0);
      rig.wire.welcome();
      rig.wire.admit("hall");
      expect(rig.wire.sent.filter(({ type }) => type === "send")).toHaveLength(1);
      rig.wire.say({ type: "ok", ref: rig.wire.take("send").ref, id: 1, version: 1, timestamp: "" });
      expect(await small).toMatchObject({ id: 1 });
    });
});

describe("a connection that dies", () => {
  test("is dropped if there is no welcome within 10 seconds", async () => {
    const rig = createRig({ random: () => 0.999 });
    rig.chat.connect();
    await rig.pass(9_999);
    expect(rig.wire.closed).toBeUndefined();
    await rig.pass(1);
    expect(rig.wires[0]?.closed).toBeDefined();
    expect(rig.chat.snapshot().connection).toMatchObject({
      state: "waiting",
      error: { message: "The server did not respond." },
    });
  });

  test("is pinged after the server's heartbeat interval, and dropped 10 seconds later", async () => {
    const { rig, room } = await inHall({ random: () => 0.5 });
    await rig.pass(29_999);
    expect(rig.wire.sent).toEqual([]);
    await rig.pass(1);
    expect(rig.wire.take("ping")).toBeDefined();
    await rig.pass(9_999);
    expect(rig.wire.closed).toBeUndefined();
    await rig.pass(1);
    expect(rig.wires[0]?.closed).toBeDefined();
    expect(room.snapshot().state).toBe("offline");
  });

  test("counts as alive after any frame", async () => {
    const { rig } = await inHall();
    await rig.pass(29_000);
    rig.wire.say({ type: "of a later protocol" });
    await rig.pass(29_999);
    expect(rig.wire.sent).toEqual([]);
    await rig.pass(1);
    rig.wire.say({ type: "ok", ref: rig.wire.take("ping").ref });
    await rig.pass(29_000);
    expect(rig.wire.closed).toBeUndefined();
    expect(rig.wires).toHaveLength(1);
  });

  test("is pinged at once when the page becomes visible", async () => {
    const { rig } = await inHall();
    await rig.pass(5_000);
    rig.wake();
    expect(rig.wire.take("ping")).toBeDefined();
    await rig.pass(10_000);
    expect(rig.wires).toHaveLength(2);
  });

  test("does not count a frame before the ping as a reply to it", async () => {
    const { rig } = await inHall();
    await rig.pass(5_000);
    rig.wire.say({ type: "of a later protocol" });
    rig.wake();
    await rig.pass(10_000);
    expect(rig.wires).toHaveLength(2);
  });

  test("is not affected by a wall clock that jumps", async () => {
    const { rig } = await inHall();
    rig.jump(-86_400_000);
    await rig.pass(1_000);
    rig.jump(10 * 86_400_000);
    await rig.pass(28_000);
    expect(rig.wire.sent).toEqual([]);
    expect(rig.wires).toHaveLength(1);
  });

  test("is ignored after it was given up", async () => {
    const { rig, room } = await inHall();
    const old = rig.wire;
    await rig.pass(40_000);
    expect(rig.wires).toHaveLength(2);
    old.say(message("hall", 1));
    old.end(4502);
    expect(room.snapshot().messages).toEqual([]);
    expect(rig.chat.snapshot().connection.state).toBe("connecting");
  });
});

describe("a token that expires", () => {
  test("is renewed in place", async () => {
    let given = 0;
    const { rig } = await inHall({ tokens: () => jwt(`token ${++given}`) });
    rig.wire.say({ type: "expiring", at: "2026-11-24T13:00:00Z" });
    await rig.settle();
    const { ref, token } = rig.wire.take("auth");
    expect(token).toBe(jwt("token 2"));
    rig.wire.say({ type: "ok", ref, expiresAt: "2026-11-24T14:00:00Z" });
    expect(rig.wires).toHaveLength(1);
    rig.wire.end(1006);
    await rig.pass(0);
    expect(rig.wire.token).toBe("token 2");
    expect(given).toBe(2);
  });

  test("is renewed once if the server repeats `expiring`", async () => {
    let given = 0;
    const { rig } = await inHall({ tokens: () => jwt(`token ${++given}`) });
    for (let round = 0; round < 100; round++) {
      rig.wire.say({ type: "expiring", at: "2026-11-24T13:00:00Z" });
      await rig.settle();
    }
    expect(given).toBe(2);
    expect(rig.wire.sent.map(({ type }) => type)).toEqual(["auth"]);
  });

  test("is renewed before the next connection if it expired meanwhile", async () => {
    let given = 0;
    const { rig } = await inHall({ tokens: () => jwt(`token ${++given}`) });
    rig.wire.end(1006);
    rig.jump(3_600_000);
    await rig.pass(0);
    expect(rig.wire.token).toBe("token 2");
  });

  test("is renewed once per connection if the wall clock is hours ahead", async () => {
    let given = 0;
    const { rig } = await inHall({ tokens: () => jwt(`token ${++given}`) });
    rig.jump(5 * 3_600_000);
    for (let round = 0; round < 3; round++) {
      rig.wire.end(1006);
      await rig.back();
      rig.wire.welcome();
      await rig.pass(6_000);
    }
    expect(given).toBe(4);
    expect(rig.wires).toHaveLength(4);
  });

  test("is requested again with backoff, and with the reason, if the tokens function fails", async () => {
    let asked = 0;
    const rig = createRig({
      random: () => 0.999_999,
      tokens() {
        asked++;
        throw new Error("our backend is away");
      },
    });
    rig.chat.connect();
    await rig.pass(100_000);
    expect(asked).toBeGreaterThan(4);
    expect(asked).toBeLessThan(12);
    expect(rig.chat.snapshot().connection).toMatchObject({
      state: "waiting",
      error: { code: "token_failed", message: "No token: our backend is away" },
    });
  });
});

test("an error says whether a retry may succeed", () => {
  expect(new ChatError("signed_out", "Nobody is signed in.")).toMatchObject({
    name: "ChatError",
    code: "signed_out",
    message: "Nobody is signed in.",
    retryable: false,
  });
});

test("a closed chat leaves nothing running", async () => {
  const { rig, room, chat } = await inHall();
  const sent = outcome(room.send("Too late"));
  const paged = outcome(room.history());
  await chat.close();
  expect(await sent).toBe("closed");
  expect(await paged).toBe("closed");
  expect(rig.wire.closed).toEqual({ code: 1000 });
  await rig.pass(3_600_000);
  rig.wake();
  await rig.settle();
  expect(rig.wires).toHaveLength(1);
  expect(chat.room("hall").join().snapshot()).toMatchObject({ state: "out", error: { code: "closed" } });
  expect(await outcome(room.send("Even later"))).toBe("closed");
  expect(await outcome(room.history())).toBe("closed");
  expect(await outcome(room.older())).toBe("closed");
});
