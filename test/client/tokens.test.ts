import { describe, expect, test } from "bun:test";
import { ChatError, type TokenSource } from "../../src/client/index.ts";
import { createRig, type FakeWire, jwt, outcome, type Rig } from "./rig.ts";

// A backend that fails to give tokens, tokens of every lifetime, and tokens that do not cover a room.

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const START = Date.parse("2026-11-24T12:00:00Z");
const iso = (ms: number) => new Date(START + ms).toISOString();

/** A backend whose n-th token is called `token n`. */
function createTokens() {
  let asked = 0;
  const tokens = {
    get asked() {
      return asked;
    },
    /** Set while the backend fails. */
    failing: undefined as TokenSource | undefined,
    source: (why: Parameters<TokenSource>[0]) => {
      asked++;
      return tokens.failing ? tokens.failing(why) : jwt(`token ${asked}`);
    },
  };
  return tokens;
}

/** Replies to an `auth`, if there is one. Returns its token. */
function authorize(wire: FakeWire, expiresAt: string): string | undefined {
  if (!wire.sent.some(({ type }) => type === "auth")) return undefined;
  const { ref, token } = wire.take("auth");
  wire.say({ type: "ok", ref, expiresAt });
  return String(token);
}

/** Lets time pass on a socket whose server replies to pings. */
async function pass(rig: Rig, ms: number) {
  const STEP_MS = 5 * SECOND;
  for (let left = ms; left > 0; left -= STEP_MS) {
    await rig.pass(Math.min(left, STEP_MS));
    if (rig.wire.sent.some(({ type }) => type === "ping"))
      rig.wire.say({ type: "ok", ref: rig.wire.take("ping").ref });
  }
}

const connected = async (
  tokens: TokenSource,
  lifeMs: number,
  options: Parameters<typeof createRig>[0] = {},
) => {
  const rig = createRig({ tokens, ...options });
  rig.chat.connect();
  await rig.settle();
  rig.wire.welcome({ expiresAt: iso(lifeMs) });
  return rig;
};

describe("a backend that does not give a token", () => {
  const page = "<html><h1>502 Bad Gateway</h1></html>";
  for (const [what, failing] of [
    ["the text of an error page", () => page],
    ["the response of a failed request", () => new Response(page, { status: 502 }) as never],
    ["nothing", () => ""],
    ["no text", () => undefined as never],
    ["a text with dots", () => "not a.token of.anybody"],
    ["a rejected promise", () => Promise.reject(new TypeError("fetch failed"))],
    ["a rejected response", () => Promise.reject(new Response(page, { status: 502 }))],
    [
      "a ChatError that is retryable",
      () => {
        throw new ChatError("unreachable", "No.", { retryable: true });
      },
    ],
    ["no answer", () => new Promise<string>(() => {})],
  ] satisfies [string, TokenSource][])
    test(`but ${what} is asked again with backoff, and what was sent meanwhile arrives`, async () => {
      const tokens = createTokens();
      tokens.failing = failing;
      const rig = createRig({ tokens: tokens.source, random: () => 0.999_999 });
      const room = rig.chat.room("hall", { history: 0 }).join();
      const sent = room.send("Hello");
      await rig.pass(100 * SECOND);
      expect(tokens.asked).toBeWithin(4, 12);
      expect(rig.states).not.toContain("closed");
      expect(rig.wires).toEqual([]);
      tokens.failing = undefined;
      while (rig.wires.length === 0) await rig.pass(SECOND);
      rig.wire.welcome();
      rig.wire.admit("hall");
      rig.wire.say({ type: "ok", ref: rig.wire.take("send").ref, id: 1, version: 1, timestamp: "" });
      expect(await sent).toMatchObject({ id: 1 });
    });

  test("but fails is `token_failed`, with the reason", async () => {
    for (const [failing, message] of [
      [() => page, "No token: tokens did not return a JWT"],
      [() => Promise.reject(new TypeError("fetch failed")), "No token: fetch failed"],
      [() => new Promise<string>(() => {}), "No token: tokens did not respond"],
    ] satisfies [TokenSource, string][]) {
      const rig = createRig({ tokens: failing });
      const error = rig.chat.token().catch((thrown: unknown) => thrown);
      await rig.pass(15 * SECOND);
      expect(await error).toMatchObject({ code: "token_failed", message, retryable: true });
    }
  });

  test("can close the connection with an error of its own that is not retryable", async () => {
    const rig = createRig({
      tokens() {
        throw new ChatError("signed_out", "Nobody is signed in to the shop.");
      },
    });
    rig.chat.connect();
    await rig.settle();
    expect(rig.chat.snapshot().connection).toMatchObject({
      state: "closed",
      error: { code: "signed_out", message: "Nobody is signed in to the shop." },
    });
  });
});

describe("the token of an open socket", () => {
  for (const lifeMs of [10 * SECOND, 75 * SECOND, 600 * SECOND, HOUR, 24 * HOUR])
    test(`that lives ${lifeMs / SECOND} s is renewed in time, although the backend is away for a third of that`, async () => {
      const tokens = createTokens();
      const rig = await connected(tokens.source, lifeMs, { random: () => 0.999_999 });
      await pass(rig, lifeMs / 2 - 1);
      expect(tokens.asked).toBe(1);
      tokens.failing = () => Promise.reject(new Error("away"));
      await pass(rig, lifeMs / 3);
      tokens.failing = undefined;
      // The server warns when a minute is left, or a quarter or an eighth of the life.
      rig.wire.say({ type: "expiring", at: iso(lifeMs) });
      await pass(rig, Math.min(30 * SECOND, lifeMs / 8));
      expect(authorize(rig.wire, iso(2 * lifeMs))).toBe(jwt(`token ${tokens.asked}`));
      expect(rig.problems).not.toEqual([]);
      // It ends the same way for the next one.
      const { asked } = tokens;
      await pass(rig, lifeMs / 4);
      expect(tokens.asked).toBe(asked);
      await pass(rig, lifeMs / 2);
      expect(tokens.asked).toBe(asked + 1);
      expect(rig.wires).toHaveLength(1);
    });

  test("is renewed as often as the server says so, if the clock here is wrong", async () => {
    for (const wrong of [-5 * HOUR, 5 * HOUR]) {
      const tokens = createTokens();
      const rig = createRig({ tokens: tokens.source });
      rig.jump(wrong);
      rig.chat.connect();
      await rig.settle();
      rig.wire.welcome({ expiresAt: iso(10 * SECOND) });
      for (let round = 1; round <= 5; round++) {
        await pass(rig, 5 * SECOND);
        expect(tokens.asked).toBe(round);
        rig.wire.say({ type: "expiring", at: iso(5 * SECOND + round * 5 * SECOND) });
        await rig.settle();
        expect(authorize(rig.wire, iso(10 * SECOND + round * 5 * SECOND))).toBe(jwt(`token ${round + 1}`));
      }
      expect(rig.wires).toHaveLength(1);
    }
  });

  test("is renewed although its renewal failed when the server said that it expires", async () => {
    const tokens = createTokens();
    const rig = await connected(tokens.source, HOUR);
    tokens.failing = () => new Promise<string>(() => {});
    rig.wire.say({ type: "expiring", at: iso(HOUR) });
    await pass(rig, 10 * SECOND);
    expect(tokens.asked).toBe(2);
    rig.wire.say({ type: "expiring", at: iso(HOUR) });
    tokens.failing = undefined;
    await pass(rig, 5 * SECOND);
    expect(tokens.asked).toBe(3);
    expect(rig.wire.take("auth").token).toBe(jwt("token 3"));
  });

  test("is replaced by the next one if the server refuses what the backend gave", async () => {
    const tokens = createTokens();
    const rig = await connected(tokens.source, 60 * SECOND);
    await pass(rig, 30 * SECOND);
    const { ref, token } = rig.wire.take("auth");
    expect(token).toBe(jwt("token 2"));
    rig.wire.say({ type: "error", ref, code: "token_expired", message: "Expired.", retryable: false });
    await pass(rig, SECOND);
    expect(rig.wire.take("auth").token).toBe(jwt("token 3"));
  });

  test("is asked for again only when the server warns, if the backend returns the old one", async () => {
    let asked = 0;
    const rig = await connected(() => (asked++, jwt("the same")), HOUR);
    await pass(rig, HOUR - 60 * SECOND);
    expect(asked).toBe(2);
    for (let left = 60; left > 2; left /= 2) {
      rig.wire.say({ type: "expiring", at: iso(HOUR) });
      await pass(rig, (left / 2) * SECOND);
    }
    expect(asked).toBe(7);
    expect(rig.wire.sent.filter(({ type }) => type === "auth")).toEqual([]);
  });

  test("is renewed before the next connection only if it is about to expire, however short its life", async () => {
    const tokens = createTokens();
    const rig = await connected(tokens.source, 20 * SECOND);
    await pass(rig, 4 * SECOND);
    rig.wire.end(1006);
    await rig.back();
    expect(rig.wire.token).toBe("token 1");
    tokens.failing = () => Promise.reject(new Error("away"));
    await pass(rig, 9 * SECOND);
    rig.wire.end(1006);
    await rig.back();
    expect(rig.wires).toHaveLength(3);
    expect(rig.wire.token).toBe("token 1");
    tokens.failing = undefined;
    await pass(rig, 3 * SECOND);
    rig.wire.end(1006);
    await rig.back();
    expect(rig.wire.token).not.toBe("token 1");
  });
});

describe("renew()", () => {
  test("resolves when the server has accepted the newer token", async () => {
    const tokens = createTokens();
    const rig = await connected(tokens.source, HOUR);
    let done = false;
    const renewed = rig.chat.renew().then(() => (done = true));
    await rig.settle();
    expect(done).toBe(false);
    expect(authorize(rig.wire, iso(HOUR))).toBe(jwt("token 2"));
    await renewed;
  });

  test("asks again if a token was requested before", async () => {
    const answers: ((token: string) => void)[] = [];
    const rig = createRig({ tokens: () => new Promise((resolve) => answers.push(resolve)) });
    rig.chat.connect();
    await rig.settle();
    answers.shift()?.(jwt("first"));
    await rig.settle();
    rig.wire.welcome();
    const early = rig.chat.renew();
    // What changes now may be missing in the token that is under way.
    await rig.settle();
    const late = outcome(rig.chat.renew());
    answers.shift()?.(jwt("second"));
    await rig.settle();
    authorize(rig.wire, iso(HOUR));
    await early;
    await rig.pass(2 * SECOND);
    answers.shift()?.(jwt("third"));
    await rig.settle();
    expect(authorize(rig.wire, iso(HOUR))).toBe(jwt("third"));
    expect(await late).toBe("done");
  });

  test("waits for a connection", async () => {
    const tokens = createTokens();
    const rig = await connected(tokens.source, HOUR);
    rig.wire.end(1006);
    const renewed = outcome(rig.chat.renew());
    await rig.back();
    rig.wire.welcome();
    await rig.settle();
    expect(authorize(rig.wire, iso(HOUR))).toBe(jwt("token 2"));
    expect(await renewed).toBe("done");
  });

  test("rejects with the reason if there is no newer token, or no connection to wait for", async () => {
    const tokens = createTokens();
    const rig = createRig({ tokens: tokens.source });
    expect(await outcome(rig.chat.renew())).toBe("disconnected");
    rig.chat.connect();
    await rig.settle();
    rig.wire.welcome();
    tokens.failing = () => Promise.reject(new Error("away"));
    expect(await outcome(rig.chat.renew())).toBe("token_failed");
    tokens.failing = () => jwt("token 1");
    expect(await outcome(rig.chat.renew())).toBe("token_failed");
    tokens.failing = () => jwt("somebody else's");
    const refused = outcome(rig.chat.renew());
    await rig.settle();
    const { ref } = rig.wire.take("auth");
    rig.wire.say({ type: "error", ref, code: "token_invalid", message: "No.", retryable: false });
    expect(await refused).toBe("token_invalid");
    const closed = outcome(rig.chat.renew());
    await rig.chat.close();
    expect(await closed).toBe("closed");
    expect(await outcome(rig.chat.renew())).toBe("closed");
  });
});

const refuse = (wire: FakeWire, type: string) => {
  const { ref } = wire.take(type);
  wire.say({ type: "error", ref, code: "forbidden", message: "No.", retryable: false, claim: true });
};

/** Returns how many joins wait for a reply. */
const joins = ({ wire }: Rig) => wire.sent.filter(({ type }) => type === "join").length;

describe("a room that the token does not cover", () => {
  test("is joined with a newer token, which 200 rooms request once", async () => {
    const tokens = createTokens();
    const rig = await connected(tokens.source, HOUR);
    const rooms = Array.from({ length: 200 }, (_, at) => rig.chat.room(`order-${at}`, { history: 0 }).join());
    for (const _ of rooms) refuse(rig.wire, "join");
    await rig.settle();
    expect(rooms[0]?.snapshot()).toMatchObject({ state: "joining", error: undefined });
    expect(authorize(rig.wire, iso(HOUR))).toBe(jwt("token 2"));
    await rig.settle();
    expect(joins(rig)).toBe(200);
    for (const { name } of rooms.slice(0, 100)) rig.wire.admit(name);
    for (const _ of rooms.slice(100)) refuse(rig.wire, "join");
    await rig.settle();
    expect(rooms[0]?.snapshot().state).toBe("live");
    expect(rooms[199]?.snapshot()).toMatchObject({ state: "out", error: { code: "forbidden", claim: true } });
    // The newer token did not help, so nothing more happens.
    await pass(rig, 600 * SECOND);
    expect(tokens.asked).toBe(2);
    expect(joins(rig)).toBe(0);
  });

  test("is joined with any newer token, and with the one of the next socket", async () => {
    const tokens = createTokens();
    const rig = await connected(tokens.source, HOUR);
    const room = rig.chat.room("order-7", { history: 0 }).join();
    refuse(rig.wire, "join");
    await rig.settle();
    authorize(rig.wire, iso(HOUR));
    await rig.settle();
    refuse(rig.wire, "join");
    await rig.settle();
    expect(room.snapshot().state).toBe("out");
    await pass(rig, HOUR / 2);
    authorize(rig.wire, iso(2 * HOUR));
    await rig.settle();
    refuse(rig.wire, "join");
    await rig.settle();
    rig.wire.end(1006);
    await rig.back();
    rig.wire.welcome({ expiresAt: iso(2 * HOUR) });
    await rig.settle();
    expect(joins(rig)).toBe(0); // The same token would be refused again.
    rig.wire.end(4001, "token_expired");
    await rig.back();
    rig.wire.welcome({ expiresAt: iso(3 * HOUR) });
    rig.wire.admit("order-7");
    expect(room.snapshot().state).toBe("live");
    expect(tokens.asked).toBe(4);
  });

  test("asks again when the application opens it again, some seconds later at the earliest", async () => {
    const tokens = createTokens();
    const rig = await connected(tokens.source, HOUR);
    const refused = async () => {
      rig.chat.room("order-7", { history: 0 }).join();
      refuse(rig.wire, "join");
      await rig.settle();
    };
    await refused();
    authorize(rig.wire, iso(HOUR));
    await rig.settle();
    refuse(rig.wire, "join");
    await rig.settle();
    await refused();
    expect(tokens.asked).toBe(2);
    await pass(rig, 5 * SECOND);
    expect(authorize(rig.wire, iso(HOUR))).toBe(jwt("token 3"));
    await rig.settle();
    rig.wire.admit("order-7");
    expect(rig.chat.room("order-7").snapshot().state).toBe("live");
  });

  // The socket ended while a token was requested. The next socket took that token for one that it had requested itself.
  test("is joined with a token that was requested after it was wanted, not before a cut", async () => {
    const tokens = createTokens();
    const rig = await connected(tokens.source, HOUR);
    const slow = Promise.withResolvers<string>();
    tokens.failing = () => slow.promise;
    rig.chat.room("order-7", { history: 0 }).join();
    refuse(rig.wire, "join");
    await rig.settle();
    rig.wire.end(1006);
    await rig.back();
    rig.wire.welcome({ expiresAt: iso(HOUR) });
    const room = rig.chat.room("order-8", { history: 0 }).join();
    await rig.settle();
    while (joins(rig) > 0) refuse(rig.wire, "join");
    await pass(rig, 5 * SECOND);
    tokens.failing = undefined;
    slow.resolve(jwt("token 2"));
    await rig.settle();
    expect(authorize(rig.wire, iso(HOUR))).toBe(jwt("token 2"));
    await rig.settle();
    while (joins(rig) > 0) refuse(rig.wire, "join");
    await pass(rig, 5 * SECOND);
    expect(authorize(rig.wire, iso(HOUR))).toBe(jwt("token 3"));
    await rig.settle();
    rig.wire.admit("order-7");
    rig.wire.admit("order-8");
    expect(room.snapshot().state).toBe("live");
  });

  test("waits if the backend fails, and is joined once it gives a newer token", async () => {
    const tokens = createTokens();
    const rig = await connected(tokens.source, HOUR, { random: () => 0.999_999 });
    tokens.failing = () => Promise.reject(new Error("away"));
    const room = rig.chat.room("order-7", { history: 0 }).join();
    let refusals = 0;
    const second = async () => {
      for (; joins(rig) > 0; refusals++) refuse(rig.wire, "join");
      expect(room.snapshot()).toMatchObject({ state: "joining", error: undefined });
      await pass(rig, SECOND);
    };
    for (let time = 0; time < 100; time++) await second();
    // It may have been granted without a token, so the room is tried again each time.
    expect(tokens.asked).toBeWithin(5, 12);
    expect(refusals).toBeWithin(5, 12);
    tokens.failing = undefined;
    while (!authorize(rig.wire, iso(HOUR))) await second();
    await rig.settle();
    rig.wire.admit("order-7");
    expect(room.snapshot().state).toBe("live");
  });

  test("is out when a newer token takes it away, and back with the next one that covers it", async () => {
    const tokens = createTokens();
    const rig = await connected(tokens.source, HOUR);
    const room = rig.chat.room("order-7", { history: 0 }).join();
    rig.wire.admit("order-7");
    rig.wire.say({ type: "left", room: "order-7", code: 4502 });
    expect(room.snapshot()).toMatchObject({ state: "out", error: { code: "forbidden" } });
    void rig.chat.renew();
    await rig.settle();
    authorize(rig.wire, iso(HOUR));
    await rig.settle();
    rig.wire.admit("order-7", { resumed: true });
    expect(room.snapshot().state).toBe("live");
  });
});

describe("a change that the token does not allow", () => {
  const reading = async (tokens: TokenSource) => {
    const rig = await connected(tokens, HOUR, { random: () => 0.999_999 });
    const room = rig.chat.room("hall", { history: 0 }).join();
    rig.wire.admit("hall");
    return { rig, room };
  };

  test("is sent again with a newer token, before the changes behind it", async () => {
    const tokens = createTokens();
    const { rig, room } = await reading(tokens.source);
    const sent = Promise.all([room.send("one"), room.send("two")]);
    const { clientId } = rig.wire.sent.find(({ type }) => type === "send") ?? {};
    refuse(rig.wire, "send");
    await rig.settle();
    expect(rig.wire.sent.map(({ type }) => type)).toEqual(["auth"]);
    authorize(rig.wire, iso(HOUR));
    await rig.settle();
    for (const [id, content] of [
      [1, "one"],
      [2, "two"],
    ] as const) {
      const frame = rig.wire.take("send");
      expect(frame).toMatchObject({ content, ...(id === 1 && { clientId }) });
      rig.wire.say({ type: "ok", ref: frame.ref, id, version: id, timestamp: "" });
    }
    expect(await sent).toMatchObject([{ id: 1 }, { id: 2 }]);
    expect(tokens.asked).toBe(2);
  });

  test("fails as forbidden if the newer token does not help, with what waited behind it", async () => {
    const tokens = createTokens();
    const { rig, room } = await reading(tokens.source);
    const sent = Promise.all(["one", "two", "three"].map((text) => outcome(room.send(text))));
    refuse(rig.wire, "send");
    await rig.settle();
    authorize(rig.wire, iso(HOUR));
    for (let time = 0; time < 3; time++) {
      await rig.settle();
      refuse(rig.wire, "send");
    }
    expect(await sent).toEqual(["forbidden", "forbidden", "forbidden"]);
    expect(tokens.asked).toBe(2);
  });

  test("waits while the backend fails, and fails as forbidden if there is no newer token", async () => {
    const tokens = createTokens();
    const { rig, room } = await reading(tokens.source);
    const sends = () => rig.wire.sent.filter(({ type }) => type === "send").length;
    tokens.failing = () => Promise.reject(new Error("away"));
    const sent = room.send("one");
    for (let second = 0; second < 100; second++) {
      if (sends() > 0) refuse(rig.wire, "send");
      await pass(rig, SECOND);
    }
    expect(tokens.asked).toBeWithin(5, 14);
    tokens.failing = undefined;
    while (!authorize(rig.wire, iso(HOUR))) {
      if (sends() > 0) refuse(rig.wire, "send");
      await pass(rig, SECOND);
    }
    await rig.settle();
    rig.wire.say({ type: "ok", ref: rig.wire.take("send").ref, id: 1, version: 1, timestamp: "" });
    expect(await sent).toMatchObject({ id: 1 });
    const same = jwt(`token ${tokens.asked}`);
    tokens.failing = () => same;
    const refused = outcome(room.send("two"));
    refuse(rig.wire, "send");
    await pass(rig, 2 * SECOND);
    expect(await refused).toBe("forbidden");
  });

  test("is sent again after a cut", async () => {
    const tokens = createTokens();
    const { rig, room } = await reading(tokens.source);
    const sent = room.send("one");
    refuse(rig.wire, "send");
    rig.wire.end(1006);
    await rig.back();
    rig.wire.welcome();
    rig.wire.admit("hall", { resumed: true });
    await rig.pass(2 * SECOND);
    authorize(rig.wire, iso(HOUR));
    await rig.settle();
    rig.wire.say({ type: "ok", ref: rig.wire.take("send").ref, id: 1, version: 1, timestamp: "" });
    expect(await sent).toMatchObject({ id: 1 });
  });
});
