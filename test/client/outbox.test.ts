import { describe, expect, test } from "bun:test";
import type { ChatOptions, ChatStorage } from "../../src/client/index.ts";
import { createRig, EPOCH, json, memory, message, outcome, type Rig } from "./rig.ts";

async function inHall(options: Partial<ChatOptions> = {}, joined: Record<string, unknown> = { version: 10 }) {
  const rig = createRig(options);
  const room = rig.chat.room("hall", { history: 0 }).join();
  await rig.settle();
  rig.wire.welcome();
  rig.wire.admit("hall", joined);
  return { rig, room };
}

/** Breaks the connection, and joins the room on the next one. */
async function reconnect(rig: Rig, joined: Record<string, unknown> = { version: 10, resumed: true }) {
  rig.wire.end(1006);
  await rig.back();
  rig.wire.welcome();
  rig.wire.admit("hall", joined);
}

const ack = (rig: Rig, id: number, type = "send", more: Record<string, unknown> = {}) => {
  const command = rig.wire.take(type);
  rig.wire.say({ type: "ok", ref: command.ref, id, version: id, timestamp: "now", ...more });
  return command;
};
const refuse = (rig: Rig, code: string, retryable: boolean, retryAfterMs?: number) => {
  const { ref } = rig.wire.take("send");
  rig.wire.say({ type: "error", ref, code, message: code, retryable, retryAfterMs });
};
const contents = (rig: Rig) =>
  rig.wire.sent.filter(({ type }) => type === "send").map(({ content }) => content);

describe("a message that is sent", () => {
  test("waits until it is acknowledged", async () => {
    const { rig, room } = await inHall();
    const sent = room.send("Tea?", { replyTo: 3, data: { cups: 2 } });
    expect(room.snapshot().waiting).toMatchObject([{ content: "Tea?", replyTo: 3, data: { cups: 2 } }]);
    const { clientId, ...fields } = ack(rig, 11);
    expect(fields).toMatchObject({ replyTo: 3, data: { cups: 2 } });
    expect(await sent).toEqual({ clientId: String(clientId), id: 11, version: 11, timestamp: "now" });
    // It stays in `waiting` until the list has it, so that nothing flickers.
    expect(room.snapshot()).toMatchObject({ messages: [], waiting: [{ content: "Tea?" }] });
    rig.wire.say(message("hall", 11, { clientId, content: "Tea?" }));
    expect(room.snapshot()).toMatchObject({ messages: [{ id: 11 }], waiting: [] });
  });

  test("has in its ack the text that the operator's hook made of it", async () => {
    const { rig, room } = await inHall();
    const sent = room.send("damn");
    ack(rig, 11, "send", { content: "d**n" });
    expect(await sent).toMatchObject({ id: 11, content: "d**n" });
  });

  test("fails with the reason for which the operator's hook refuses it", async () => {
    const { rig, room } = await inHall();
    const sent = outcome(room.send("damn"));
    const { ref, clientId } = rig.wire.take("send");
    const settled: unknown[] = [];
    rig.chat.on("settled", ({ change, error }) => settled.push(change.clientId, (error as Error).message));
    rig.wire.say({ type: "error", ref, code: "message_refused", message: "Be kind.", retryable: false });
    expect(await sent).toBe("message_refused");
    expect(settled).toEqual([clientId, "Be kind."]);
  });

  test("is sent again if nobody could check it, and only its room waits for that", async () => {
    const { rig, room } = await inHall();
    const sent = room.send("Tea?");
    refuse(rig, "message_unchecked", true, 1_000);
    void outcome(rig.chat.room("attic").send("Hello"));
    expect(contents(rig)).toEqual(["Hello"]);
    rig.wire.take("send");
    await rig.pass(10_000);
    ack(rig, 11);
    expect(await sent).toMatchObject({ id: 11 });
  });

  test("is sent again with the same clientId after each disconnection", async () => {
    const { rig, room } = await inHall();
    const sent = room.send("Tea?");
    const ids = [];
    for (let round = 0; round < 3; round++) {
      ids.push(rig.wire.take("send").clientId);
      await reconnect(rig);
    }
    ids.push(ack(rig, 11, "send", { duplicate: true }).clientId);
    expect(new Set(ids).size).toBe(1);
    expect(await sent).toMatchObject({ id: 11, duplicate: true });
  });

  test("is sent again without backoff when the connection is back", async () => {
    const rig = createRig({ random: () => 0.999 });
    const room = rig.chat.room("hall", { history: 0 }).join();
    await rig.settle();
    rig.wire.welcome();
    const sent = room.send("Tea?");
    rig.wire.end(1006);
    rig.wake();
    await rig.settle();
    rig.wire.welcome();
    ack(rig, 11);
    expect(await sent).toMatchObject({ id: 11 });
  });

  test("waits for a connection and goes out in order, one at a time per room", async () => {
    const rig = createRig();
    const hall = rig.chat.room("hall", { history: 0 }).join();
    const attic = rig.chat.room("attic", { history: 0 }).join();
    const all = [hall.send("one"), hall.send("two"), attic.send("three")];
    await rig.settle();
    rig.wire.welcome();
    expect(contents(rig)).toEqual(["one", "three"]);
    ack(rig, 1);
    expect(contents(rig)).toEqual(["three", "two"]);
    ack(rig, 1);
    ack(rig, 2);
    expect((await Promise.all(all)).map(({ id }) => id)).toEqual([1, 2, 1]);
  });

  test("holds back later messages if the server asks for a pause", async () => {
    const { rig, room } = await inHall();
    const all = [room.send("one"), room.send("two")];
    refuse(rig, "rate_limited", true, 700);
    expect(contents(rig)).toEqual([]);
    await rig.pass(699);
    expect(contents(rig)).toEqual([]);
    await rig.pass(1);
    expect(contents(rig)).toEqual(["one"]);
    ack(rig, 11);
    ack(rig, 12);
    await Promise.all(all);
  });

  test("is retried with backoff if the server refuses it without naming a pause", async () => {
    const rig = createRig({ random: () => 0.999 });
    const room = rig.chat.room("hall", { history: 0 }).join();
    const sent = outcome(room.send("one"));
    await rig.settle();
    rig.wire.welcome();
    rig.wire.admit("hall");
    let tries = 0;
    for (let tick = 0; tick < 600; tick++) {
      for (; contents(rig).length > 0; tries++) refuse(rig, "internal", true, 0);
      // All other commands succeed.
      for (const { ref } of rig.wire.sent.splice(0)) rig.wire.say({ type: "ok", ref });
      await rig.pass(100);
    }
    expect(tries).toBeLessThan(12); // in a minute
    await rig.chat.close();
    expect(await sent).toBe("closed");
  });

  test("waits no longer than the server asks if changes before it were refused for good", async () => {
    // Only acks ended the backoff, so someone with several refused changes waited for ever longer.
    const { rig, room } = await inHall({ ports: { random: () => 1 } });
    for (let round = 0; round < 8; round++) {
      const sent = outcome(room.send("Tea?"));
      refuse(rig, "rate_limited", true, 10);
      await rig.pass(500);
      refuse(rig, "forbidden", false);
      expect(await sent).toBe("forbidden");
    }
  });

  test("that is refused for good fails with the server's code, and later ones are sent", async () => {
    const { rig, room } = await inHall();
    const one = outcome(room.send(" "));
    const two = room.send("two");
    refuse(rig, "a code of a later server", false);
    expect(await one).toBe("a code of a later server");
    ack(rig, 11);
    expect(await two).toMatchObject({ id: 11 });
  });

  test("that exceeds the server's frame limit is not sent", async () => {
    const rig = createRig();
    const room = rig.chat.room("hall", { history: 0 }).join();
    await rig.settle();
    rig.wire.welcome({ limits: { frameBytes: 1_000, messageChars: 4_000, rooms: 1 } });
    rig.wire.admit("hall");
    expect(await outcome(room.send("😀".repeat(250)))).toBe("too_large");
    expect(rig.wire.sent).toEqual([]);
  });

  test("with an invalid acknowledgement fails and is not sent again", async () => {
    const { rig, room } = await inHall();
    const sent = outcome(room.send("one"));
    rig.wire.say({ type: "ok", ref: rig.wire.take("send").ref, id: "eleven" });
    expect(await sent).toBe("bad_answer");
    expect(contents(rig)).toEqual([]);
  });

  test("can be given up with a signal", async () => {
    const { rig, room } = await inHall();
    rig.wire.end(1006);
    const control = new AbortController();
    const one = outcome(room.send("one", { signal: control.signal }));
    const two = room.send("two");
    control.abort(new Error("never mind"));
    expect(await one).toBe("Error: never mind");
    expect(await outcome(room.send("three", { signal: control.signal }))).toBe("Error: never mind");
    await rig.back();
    rig.wire.welcome();
    expect(contents(rig)).toEqual(["two"]);
    ack(rig, 11);
    await two;
  });

  test("is rejected if the outbox is full", async () => {
    const rig = createRig({ outbox: 2 });
    const room = rig.chat.room("hall").join();
    const waiting = [outcome(room.send("one")), outcome(room.send("two"))];
    expect(await outcome(room.send("three"))).toBe("outbox_full");
    await rig.chat.close();
    expect(await Promise.all(waiting)).toEqual(["closed", "closed"]);
  });

  test("to a room that the application left is sent before the room is left", async () => {
    const { rig, room } = await inHall();
    const sent = room.send("Good night");
    room.leave();
    expect(rig.wire.sent.map(({ type }) => type)).toEqual(["send"]);
    ack(rig, 11);
    await sent;
    expect(rig.wire.take("leave")).toMatchObject({ room: "hall" });
  });
});

describe("a change of members or of the room", () => {
  test("waits like a message, in its place, and its ack may say that nothing changed", async () => {
    const { rig, room } = await inHall();
    const acks = [
      room.send("Hello"),
      room.add("@ben", { role: "moderator" }),
      room.mute("u_cy", { until: "2030-01-31T12:00:00Z" }),
      room.setRole("u_ben", "member"),
      room.update({ title: "Tea", archived: false }),
    ];
    rig.wire.end(1006);
    await rig.back();
    rig.wire.welcome();
    rig.wire.admit("hall");
    const sent = acks.map((_, index) => {
      const { ref, clientId: _c, room: _r, ...change } = rig.wire.sent.pop() as Record<string, unknown>;
      rig.wire.say({ type: "ok", ref, id: index === 3 ? 0 : index + 1, version: 9, timestamp: "" });
      return change;
    });
    expect(sent).toEqual([
      { type: "send", content: "Hello" },
      { type: "member", user: "@ben", set: "in", role: "moderator" },
      { type: "member", user: "u_cy", set: "muted", until: "2030-01-31T12:00:00Z" },
      { type: "member", user: "u_ben", set: "role", role: "member" },
      { type: "room", title: "Tea", archived: false },
    ]);
    expect((await Promise.all(acks)).map(({ id }) => id)).toEqual([1, 2, 3, 0, 5]);
    const last = room.remove("u_ben");
    const { ref } = rig.wire.take("member");
    rig.wire.say({ type: "error", ref, code: "last_owner", message: "No.", retryable: false });
    expect(await outcome(last)).toBe("last_owner");
  });
});

describe("read marks", () => {
  test("that wait are merged into the last one", async () => {
    const { rig, room } = await inHall();
    rig.wire.end(1006);
    const marks = [room.read(3), room.read(5), room.read(8)];
    await rig.back();
    rig.wire.welcome();
    rig.wire.admit("hall", { version: 10, resumed: true });
    expect(rig.wire.sent).toMatchObject([{ type: "read", room: "hall", id: 8 }]);
    rig.wire.say({ type: "ok", ref: rig.wire.take("read").ref });
    await Promise.all(marks);
  });
});

describe("a change that names a message", () => {
  test("is sent once the room is joined and its epoch is known", async () => {
    const { rig, room } = await inHall();
    rig.wire.end(1006);
    const edited = room.edit(7, "Tea.");
    await rig.back();
    rig.wire.welcome();
    expect(rig.wire.sent.map(({ type }) => type)).toEqual(["join"]);
    rig.wire.admit("hall", { version: 10, resumed: true });
    expect(ack(rig, 7, "edit", { version: 11 })).toMatchObject({ id: 7, content: "Tea." });
    expect(await edited).toMatchObject({ id: 7, version: 11 });
  });

  test("fails as `stale_epoch` in a new epoch; messages are sent without their `replyTo`", async () => {
    const { rig, room } = await inHall();
    rig.wire.end(1006);
    const changes = [room.edit(7, "x"), room.delete(7), room.react(7, "👍"), room.read(7)].map(outcome);
    const reply = room.send("Yes", { replyTo: 7 });
    const plain = room.send("And another thing");
    await rig.back();
    rig.wire.welcome();
    rig.wire.admit("hall", { version: 4, epoch: "second", resumed: false });
    expect(await Promise.all(changes)).toEqual(Array(4).fill("stale_epoch"));
    expect(rig.wire.sent.map(({ type, content, replyTo }) => [type, content, replyTo])).toEqual([
      ["send", "Yes", undefined],
    ]);
    ack(rig, 5);
    ack(rig, 6);
    expect(await reply).toMatchObject({ id: 5 });
    expect(await plain).toMatchObject({ id: 6 });
  });

  test("in flight is not applied to another message if the epoch changes", async () => {
    const { rig, room } = await inHall();
    const deleted = outcome(room.delete(7));
    rig.wire.take("delete");
    rig.wire.end(4003, "resync");
    await rig.back();
    rig.wire.welcome();
    rig.wire.admit("hall", { version: 9, epoch: "second", resumed: false });
    expect(await deleted).toBe("stale_epoch");
    expect(rig.wire.sent).toEqual([]);
  });

  test("fails with the reason if the room can no longer be joined", async () => {
    const { rig, room } = await inHall();
    rig.wire.end(1006);
    const edited = outcome(room.edit(7, "x"));
    await rig.back();
    rig.wire.welcome();
    rig.wire.say({
      type: "error",
      ref: rig.wire.take("join").ref,
      code: "forbidden",
      message: "",
      retryable: false,
    });
    expect(await edited).toBe("forbidden");
  });
});

describe("a message that waits", () => {
  test("can be withdrawn before it is sent, and those after it go out", async () => {
    const { rig, room } = await inHall();
    rig.wire.end(1006);
    const [one, two] = [outcome(room.send("one")), room.send("two")];
    const [first] = room.snapshot().waiting;
    expect(first).toMatchObject({ content: "one", unsent: true });
    expect([room.withdraw(first?.clientId ?? ""), room.withdraw(first?.clientId ?? "")]).toEqual([
      true,
      false,
    ]);
    expect(await one).toBe("withdrawn");
    await rig.back();
    rig.wire.welcome();
    expect(contents(rig)).toEqual(["two"]);
    ack(rig, 11);
    await two;
  });

  test("cannot be withdrawn once it was sent, even if the connection broke before its ack", async () => {
    const { rig, room } = await inHall();
    const sent = room.send("one");
    const [{ clientId = "", unsent } = {}] = room.snapshot().waiting;
    expect([unsent, room.withdraw(clientId)]).toEqual([undefined, false]);
    rig.wire.end(1006);
    expect(room.withdraw(clientId)).toBe(false);
    await rig.back();
    rig.wire.welcome();
    ack(rig, 11);
    await sent;
  });

  test("is known after a reload to be sent or not", async () => {
    const storage = memory();
    const before = await inHall({ storage });
    for (const text of ["one", "two"]) void before.room.send(text).catch(() => {});
    await before.rig.settle();
    const after = createRig({ storage });
    await after.chat.ready;
    const room = after.chat.room("hall", { history: 0 });
    const settled: unknown[] = [];
    after.chat.on("settled", ({ change, error }) => void settled.push([change.room, error]));
    const [one, two] = room.snapshot().waiting;
    expect([one, two]).toMatchObject([{ content: "one" }, { content: "two", unsent: true }]);
    expect([room.withdraw(one?.clientId ?? ""), room.withdraw(two?.clientId ?? "")]).toEqual([false, true]);
    expect(settled).toMatchObject([["hall", { code: "withdrawn" }]]);
    await after.settle();
    const last = createRig({ storage });
    await last.chat.ready;
    expect(last.chat.room("hall").snapshot().waiting).toMatchObject([{ content: "one" }]);
  });

  test("is not handed to a socket after the network went away, so it can still be withdrawn", async () => {
    // Nobody had said so to the client: a message was lost for 40 s in a socket that was dead.
    const { rig, room } = await inHall();
    rig.lose();
    expect(rig.chat.snapshot().connection).toMatchObject({ state: "waiting" });
    const sent = room.send("one");
    expect(room.snapshot().waiting).toMatchObject([{ unsent: true }]);
    rig.wake();
    await rig.settle();
    rig.wire.welcome();
    ack(rig, 11);
    await sent;
  });
});

describe("a storage", () => {
  const kept = (storage: ReturnType<typeof memory>) =>
    [...storage.items.keys()].filter((key) => key.endsWith("outbox"));

  test("keeps waiting changes over a reload, with clientId, order and epoch", async () => {
    const storage = memory();
    const before = await inHall({ storage });
    before.rig.wire.end(1006);
    void before.room.send("one", { replyTo: 3 }).catch(() => {});
    void before.room.edit(4, "two").catch(() => {});
    const { clientId } = before.room.snapshot().waiting[0] ?? {};
    await before.rig.settle();
    // The page is gone. The next one only has the storage.
    const after = createRig({ storage });
    const settled: string[] = [];
    expect(await after.chat.ready).toBe(true);
    await after.settle();
    after.wire.welcome();
    expect(after.wire.sent).toMatchObject([{ type: "join", room: "hall" }]);
    const room = after.chat.room("hall", { history: 0 }).join();
    // Regression: a committed change once had an error beside its ack.
    room.on("settled", ({ change, error }) => void settled.push(error ? "refused" : change.type));
    expect(room.snapshot().waiting).toMatchObject([{ clientId, content: "one" }]);
    after.wire.admit("hall", { version: 10, epoch: EPOCH });
    expect(ack(after, 11)).toMatchObject({ clientId, content: "one", replyTo: 3 });
    ack(after, 4, "edit", { version: 12 });
    await after.settle();
    expect(settled).toEqual(["send", "edit"]);
    expect(kept(storage)).toEqual([]);
  });

  test("keeps the epoch, so that stale changes are recognized after a reload", async () => {
    const storage = memory();
    const before = await inHall({ storage });
    before.rig.wire.end(1006);
    void before.room.send("one", { replyTo: 3 }).catch(() => {});
    void before.room.delete(4).catch(() => {});
    await before.rig.settle();
    const after = createRig({ storage });
    const failed: unknown[] = [];
    await after.chat.ready;
    after.chat.room("hall", { history: 0 }).on("settled", ({ error }) => void failed.push(error));
    await after.settle();
    after.wire.welcome();
    after.wire.admit("hall", { version: 2, epoch: "second" });
    expect(failed).toMatchObject([{ code: "stale_epoch" }]);
    expect(ack(after, 3)).toMatchObject({ content: "one" });
    await after.settle();
    expect(kept(storage)).toEqual([]);
  });

  test("keeps changes of one person out of another person's session", async () => {
    const storage = memory();
    const before = await inHall({ storage });
    before.rig.wire.end(1006);
    void before.room.send("by ada").catch(() => {});
    await before.rig.settle();
    const ben = createRig({ storage });
    await ben.chat.ready;
    await ben.settle();
    ben.wire.welcome({ user: { id: "u_ben", username: "ben" } });
    expect(contents(ben)).toEqual([]);
    const ada = createRig({ storage });
    await ada.chat.ready;
    await ada.settle();
    ada.wire.welcome();
    expect(contents(ada)).toEqual(["by ada"]);
  });

  test("with invalid contents counts as empty", async () => {
    for (const nonsense of ["", "{", "[]", "7", '[1, null, {"change": {"type": "send"}}]', '{"a": 1}']) {
      const items = new Map([
        ["parley https://chat.example.com/ outbox", nonsense],
        ["parley https://chat.example.com/ session", nonsense],
      ]);
      const rig = createRig({ storage: memory(items), http: () => json({}) });
      expect(await rig.chat.ready).toBe(false);
      expect(rig.wires).toEqual([]);
    }
  });

  test("that is full or read-only stops nothing: changes wait as long as the page lives", async () => {
    const no = () => {
      throw new DOMException("QuotaExceededError");
    };
    const { rig, room } = await inHall({ storage: { getItem: () => null, removeItem: no, setItem: no } });
    rig.wire.end(1006);
    const all = [room.send("one"), room.send("two")];
    await rig.settle();
    await rig.back();
    rig.wire.welcome();
    ack(rig, 11);
    ack(rig, 12);
    expect((await Promise.all(all)).map(({ id }) => id)).toEqual([11, 12]);
  });

  test("may return promises", async () => {
    const { items } = memory();
    const slow: ChatStorage = {
      async getItem(key) {
        await Bun.sleep(0);
        return items.get(key) ?? null;
      },
      async setItem(key, value) {
        await Bun.sleep(0);
        items.set(key, value);
      },
      async removeItem(key) {
        await Bun.sleep(0);
        items.delete(key);
      },
    };
    const { rig, room } = await inHall({ storage: slow });
    rig.wire.end(1006);
    const all = [room.send("one"), room.send("two"), room.send("three")];
    for (const sent of all) sent.catch(() => {});
    await rig.chat.close();
    await Promise.allSettled(all);
    const again = createRig({ storage: slow });
    await again.chat.ready;
    expect(
      again.chat
        .room("hall")
        .snapshot()
        .waiting.map(({ content }) => content),
    ).toEqual(["one", "two", "three"]);
  });
});
