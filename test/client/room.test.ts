import { describe, expect, test } from "bun:test";
import type { RoomOptions } from "../../src/client/index.ts";
import { createRig, message, notice, outcome } from "./rig.ts";

/** Creates a chat that has joined the room "hall" at version 10. */
async function inHall(
  options: RoomOptions = { history: 0 },
  joined: Record<string, unknown> = { version: 10 },
) {
  const rig = createRig();
  const room = rig.chat.room("hall", options).join();
  await rig.settle();
  rig.wire.welcome();
  rig.wire.admit("hall", joined);
  await rig.settle();
  const ids = () => room.snapshot().messages.map(({ id }) => id);
  /** Breaks the connection and welcomes the next one. */
  const reconnect = async () => {
    rig.wire.end(1006);
    await rig.back();
    rig.wire.welcome();
  };
  return { rig, room, ids, reconnect };
}

const page = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, n) => {
    const { type: _t, room: _r, change: _c, prev: _p, ...one } = message("hall", from + n);
    return one;
  });

describe("a room", () => {
  test("loads its newest page, then earlier ones until there are no more", async () => {
    const { rig, room, ids } = await inHall({ history: 4 });
    const { ref, before, limit } = rig.wire.take("history");
    expect([before, limit]).toEqual([11, 4]);
    rig.wire.say({ type: "ok", ref, messages: page(7, 10), more: true });
    await rig.settle();
    expect(ids()).toEqual([7, 8, 9, 10]);
    expect(room.snapshot()).toMatchObject({ state: "live", more: true });
    const older = room.older({ limit: 50 });
    await rig.settle();
    const next = rig.wire.take("history");
    expect(next).toMatchObject({ before: 7, limit: 50 });
    rig.wire.say({ type: "ok", ref: next.ref, messages: page(1, 6), more: false });
    await older;
    expect(ids()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(room.snapshot().more).toBe(false);
    await room.older();
    expect(rig.wire.sent).toEqual([]);
  });

  // Someone who left an open room became a member again at once: the news that they were added, which follows their own
  // join, was taken for a later invitation.
  test("stays left, although the news that the person was added came after the join", async () => {
    const { rig, room } = await inHall({ history: 0 }, { version: 10, kind: "open" });
    rig.wire.say({ type: "rooms", room: "hall", change: "added" });
    rig.wire.say({ type: "left", room: "hall", code: 4505 });
    rig.wire.say({ type: "rooms", room: "hall", change: "changed" });
    await rig.settle();
    expect(room.snapshot()).toMatchObject({ state: "out", error: { code: "left" } });
    expect(rig.wire.sent).toEqual([]);
  });

  test("resumes from the last version and receives what it missed", async () => {
    const { rig, room, ids, reconnect } = await inHall();
    rig.wire.say(message("hall", 11));
    await reconnect();
    expect(room.snapshot()).toMatchObject({ state: "joining" });
    expect(ids()).toEqual([11]);
    const { ref, since } = rig.wire.take("join");
    expect(since).toBe("first.11");
    rig.wire.say({ type: "ok", ref });
    rig.wire.say({ type: "joined", room: "hall", epoch: "first", version: 14, resumed: true });
    rig.wire.say(message("hall", 12, { replay: true, prev: undefined }));
    expect(room.snapshot().state).toBe("catching_up");
    rig.wire.say(message("hall", 14, { replay: true, prev: undefined }));
    rig.wire.say({ type: "synced", room: "hall", version: 14 });
    expect(room.snapshot().state).toBe("live");
    expect(ids()).toEqual([11, 12, 14]);
  });

  test("continues from there if a replay is cut", async () => {
    const { rig, ids, reconnect } = await inHall();
    await reconnect();
    const { ref } = rig.wire.take("join");
    rig.wire.say({ type: "ok", ref });
    rig.wire.say({ type: "joined", room: "hall", epoch: "first", version: 14, resumed: true });
    rig.wire.say(message("hall", 12, { replay: true, prev: undefined }));
    await reconnect();
    expect(rig.wire.take("join").since).toBe("first.12");
    expect(ids()).toEqual([12]);
  });

  test("detects a gap by `prev`, joins again, and ignores frames before the reply", async () => {
    const { rig, ids } = await inHall();
    rig.wire.say(message("hall", 12));
    const { ref, since } = rig.wire.take("join");
    expect(since).toBe("first.10");
    // Frames of the feed with the gap do not count.
    rig.wire.say({ type: "synced", room: "hall", version: 13 });
    rig.wire.say(message("hall", 13));
    rig.wire.say({ type: "joined", room: "hall", epoch: "first", version: 13, resumed: false });
    rig.wire.say({ type: "ok", ref });
    rig.wire.say({ type: "joined", room: "hall", epoch: "first", version: 13, resumed: true });
    for (const id of [11, 12, 13]) rig.wire.say(message("hall", id, { replay: true, prev: undefined }));
    rig.wire.say({ type: "synced", room: "hall", version: 13 });
    rig.wire.say(message("hall", 14));
    expect(ids()).toEqual([11, 12, 13, 14]);
  });

  test("is not joined in a loop if every message leaves a gap", async () => {
    const { rig } = await inHall();
    let joins = 0;
    for (let round = 0; round < 500; round++) {
      if (rig.wire.sent.some(({ type }) => type === "join")) {
        joins++;
        rig.wire.admit("hall", { version: 10, resumed: true });
      }
      rig.wire.say(message("hall", 20, { prev: 15 }));
      await rig.settle();
    }
    expect(joins).toBeLessThan(3); // No time passes here, so later attempts wait for their timers.
  });

  test("is not joined in a loop if each replay makes a little progress", async () => {
    const { rig } = await inHall();
    let joins = 0;
    for (let id = 11; id < 500; id++) {
      rig.wire.say(message("hall", id + 5, { prev: id + 4 }));
      const join = rig.wire.sent.find(({ type }) => type === "join");
      if (!join) continue;
      joins++;
      rig.wire.say({ type: "ok", ref: rig.wire.take("join").ref });
      rig.wire.say({ type: "joined", room: "hall", epoch: "first", version: id, resumed: true });
      rig.wire.say(message("hall", id, { replay: true, prev: undefined }));
    }
    expect(joins).toBeLessThan(3);
  });

  test("stays left if it is left while joining", async () => {
    const rig = createRig();
    const room = rig.chat.room("hall", { history: 0 }).join();
    await rig.settle();
    rig.wire.welcome();
    room.leave();
    rig.wire.take("leave");
    rig.wire.admit("hall", { version: 3 });
    rig.wire.say(message("hall", 4));
    expect(room.snapshot()).toMatchObject({ state: "idle", error: undefined, messages: [] });
    rig.chat.room("hall").join();
    rig.wire.admit("hall", { version: 4 });
    expect(room.snapshot().state).toBe("live");
  });

  test("is read anew if the server cannot resume", async () => {
    const { rig, ids, reconnect } = await inHall({ history: 3 });
    rig.wire.say({ type: "ok", ref: rig.wire.take("history").ref, messages: page(8, 10), more: true });
    await rig.settle();
    await reconnect();
    rig.wire.admit("hall", { version: 20_000, resumed: false });
    await rig.settle();
    expect(ids()).toEqual([]);
    rig.wire.say({
      type: "ok",
      ref: rig.wire.take("history").ref,
      messages: page(19_998, 20_000),
      more: true,
    });
    await rig.settle();
    expect(ids()).toEqual([19_998, 19_999, 20_000]);
  });

  test("ignores a page that was requested before the list was dropped", async () => {
    const { rig, room, ids } = await inHall();
    const older = room.older({ limit: 3 });
    await rig.settle();
    const { ref } = rig.wire.take("history");
    rig.wire.say({ type: "joined", room: "hall", epoch: "first", version: 20_000, resumed: false });
    rig.wire.say({ type: "ok", ref, messages: page(8, 10), more: true });
    await rig.settle();
    expect(ids()).toEqual([]);
    const again = rig.wire.take("history");
    expect(again.before).toBe(20_001);
    rig.wire.say({ type: "ok", ref: again.ref, messages: page(19_999, 20_000), more: true });
    await older;
    expect(ids()).toEqual([19_999, 20_000]);
  });

  test("requests a page again if the connection broke", async () => {
    const { rig, room, ids, reconnect } = await inHall();
    const older = room.older({ limit: 3 });
    await rig.settle();
    await reconnect();
    rig.wire.admit("hall", { version: 10, resumed: true });
    await rig.settle();
    rig.wire.say({ type: "ok", ref: rig.wire.take("history").ref, messages: page(8, 10), more: true });
    await older;
    expect(ids()).toEqual([8, 9, 10]);
  });

  test("requests a page again when the server says, if the budget for history is spent", async () => {
    const { rig, room, ids } = await inHall();
    const older = room.older({ limit: 3 });
    await rig.settle();
    for (let refusals = 0; refusals < 3; refusals++) {
      const { ref } = rig.wire.take("history");
      const error = { code: "rate_limited", message: "", retryable: true, retryAfterMs: 20_000 };
      rig.wire.say({ type: "error", ref, ...error });
      await rig.pass(19_999);
      expect(rig.wire.sent).toEqual([]);
      await rig.pass(1);
    }
    rig.wire.say({ type: "ok", ref: rig.wire.take("history").ref, messages: page(8, 10), more: true });
    await older;
    expect(ids()).toEqual([8, 9, 10]);
    expect(rig.problems).toEqual([]);
  });

  test("is joined again later if the server is unavailable", async () => {
    const { rig, reconnect, room } = await inHall();
    await reconnect();
    const { ref } = rig.wire.take("join");
    rig.wire.say({
      type: "error",
      ref,
      code: "unavailable",
      message: "",
      retryable: true,
      retryAfterMs: 1_000,
    });
    await rig.pass(999);
    expect(rig.wire.sent).toEqual([]);
    await rig.pass(1);
    rig.wire.admit("hall", { version: 10, resumed: true });
    expect(room.snapshot().state).toBe("live");
  });

  test("that refuses the person is out, and is not joined again until the application asks", async () => {
    const rig = createRig();
    const room = rig.chat.room("hall").join();
    await rig.settle();
    rig.wire.welcome();
    const refuse = () => {
      const { ref } = rig.wire.take("join");
      rig.wire.say({ type: "error", ref, code: "forbidden", message: "No.", retryable: false });
    };
    refuse();
    expect(room.snapshot()).toMatchObject({ state: "out", error: { code: "forbidden" } });
    expect(await outcome(room.older())).toBe("forbidden");
    rig.wire.end(1006);
    await rig.back();
    rig.wire.welcome();
    expect(rig.wire.sent).toEqual([]);
    rig.chat.room("hall").join();
    refuse();
    expect(room.snapshot()).toMatchObject({ state: "out", error: { code: "forbidden" } });
  });

  test("is out after a removal, and joined again after codes of the other range", async () => {
    const { rig, room } = await inHall();
    rig.wire.say({ type: "left", room: "hall", code: 4242 });
    expect(rig.wire.take("join")).toMatchObject({ since: "first.10" });
    rig.wire.say({ type: "ok", ref: 2 });
    rig.wire.say({ type: "joined", room: "hall", epoch: "first", version: 10, resumed: true });
    rig.wire.say({ type: "left", room: "hall", code: 4503 });
    expect(room.snapshot()).toMatchObject({ state: "out", error: { code: "removed" } });
    expect(rig.wire.sent).toEqual([]);
  });

  test("is left with `leave` or `await using`, and its frames are then ignored", async () => {
    const { rig, ids } = await inHall();
    {
      await using attic = rig.chat.room("attic", { history: 0 }).join();
      rig.wire.admit("attic");
      expect(attic.snapshot().state).toBe("live");
    }
    expect(rig.wire.take("leave")).toMatchObject({ room: "attic" });
    rig.wire.say(message("attic", 1));
    expect(rig.chat.room("attic").snapshot().messages).toEqual([]);
    expect(ids()).toEqual([]);
  });

  test("is the same for all Unicode spellings of its name", async () => {
    const { rig } = await inHall();
    expect(rig.chat.room("caf\u00e9")).toBe(rig.chat.room("cafe\u0301"));
  });

  test("returns the same snapshot until something changes", async () => {
    const { rig, room } = await inHall();
    let calls = 0;
    const stop = room.subscribe(() => calls++);
    const before = room.snapshot();
    expect(room.snapshot()).toBe(before);
    rig.wire.say(message("hall", 11));
    expect(calls).toBe(1);
    expect(room.snapshot()).not.toBe(before);
    stop();
    rig.wire.say(message("hall", 12));
    expect(calls).toBe(1);
  });

  test("calls the other listeners if one throws", async () => {
    const { rig, room } = await inHall();
    const received: number[] = [];
    const { queueMicrotask } = globalThis;
    const later: (() => void)[] = [];
    globalThis.queueMicrotask = (task) => void later.push(task);
    room.on("message", () => {
      throw new Error("a listener failed");
    });
    room.on("message", ({ id }) => void received.push(id));
    rig.wire.say(message("hall", 11));
    globalThis.queueMicrotask = queueMicrotask;
    expect(received).toEqual([11]);
    expect(later[0]).toThrow("a listener failed"); // Uncaught, like an error in an event listener.
  });
});

describe("notices", () => {
  const ada = { id: "u_ada", username: "ada" };

  test("are entries among the messages, and say what the room is", async () => {
    const { rig, room } = await inHall(
      { history: 2 },
      { version: 12, kind: "private", role: "owner", title: "Tea", from: 9 },
    );
    const { ref, notices } = rig.wire.take("history");
    expect(notices).toBe(true);
    const { type: _t, room: _r, prev: _p, ...added } = notice("hall", 11, { type: "added", users: [ada] });
    rig.wire.say({ type: "ok", ref, messages: [...page(10, 10), added, ...page(12, 12)], more: true });
    await rig.settle();
    expect(room.snapshot()).toMatchObject({
      kind: "private",
      role: "owner",
      title: "Tea",
      from: 9,
      more: true,
    });
    rig.wire.say(notice("hall", 13, { type: "title", title: "Cake" }));
    rig.wire.say({ type: "synced", room: "hall", version: 13 });
    rig.wire.say(notice("hall", 14, { type: "role", users: [ada], role: "moderator" }));
    rig.wire.say({ type: "synced", room: "hall", version: 14 });
    rig.wire.say(message("hall", 15));
    rig.wire.say(notice("hall", 16, { type: "archived" }));
    const { entries, messages, unread, ...state } = room.snapshot();
    expect(entries.map(({ id, notice }) => notice?.type ?? id)).toEqual([
      10,
      "added",
      12,
      "title",
      "role",
      15,
      "archived",
    ]);
    expect(messages.map(({ id }) => id)).toEqual([10, 12, 15]);
    // Notices are nothing to read.
    expect(unread).toBe(1);
    expect(state).toMatchObject({ state: "live", title: "Cake", role: "moderator", archived: true });
    rig.wire.say(notice("hall", 18, { type: "restored" }));
    expect(rig.wire.take("join").since).toBe("first.16");
  });

  test("about a removal do not hide what was missed before them", async () => {
    const { rig, room } = await inHall();
    rig.wire.say({ type: "lagging", room: "hall", version: 10 });
    rig.wire.say(message("hall", 11, { replay: true, prev: undefined }));
    // The client is behind, and is told at once that it is out. It has not got 12 to 14.
    const removal = notice("hall", 15, { type: "removed", users: [ada] }, { replay: true, prev: undefined });
    rig.wire.say(removal);
    rig.wire.say({ type: "left", room: "hall", code: 4503 });
    expect(room.snapshot()).toMatchObject({
      state: "out",
      error: { code: "removed" },
      entries: [{ id: 11 }, { id: 15 }],
    });

    rig.wire.say({ type: "rooms", room: "hall", change: "added" });
    const { ref, since } = rig.wire.take("join");
    expect([since, room.snapshot().state]).toEqual(["first.11", "joining"]);
    rig.wire.say({ type: "ok", ref });
    rig.wire.say({ type: "joined", room: "hall", epoch: "first", version: 16, resumed: true });
    for (const id of [12, 13, 14]) rig.wire.say(message("hall", id, { replay: true, prev: undefined }));
    rig.wire.say(removal);
    rig.wire.say(notice("hall", 16, { type: "added", users: [ada] }, { replay: true, prev: undefined }));
    rig.wire.say({ type: "synced", room: "hall", version: 16 });
    rig.wire.say(message("hall", 17));
    expect(room.snapshot().state).toBe("live");
    expect(room.snapshot().entries.map(({ id }) => id)).toEqual([11, 12, 13, 14, 15, 16, 17]);
  });
});

describe("someone who was removed", () => {
  const refuse = (rig: Awaited<ReturnType<typeof inHall>>["rig"]) => {
    const { ref } = rig.wire.take("join");
    rig.wire.say({ type: "error", ref, code: "forbidden", message: "No.", retryable: false });
  };

  test("is in the room again once added, and sees no more than allowed", async () => {
    const { rig, room, ids } = await inHall();
    for (const id of [11, 12]) rig.wire.say(message("hall", id));
    rig.wire.say({ type: "left", room: "hall", code: 4503 });
    expect(rig.wire.sent).toEqual([]);
    rig.wire.say({ type: "rooms", room: "hall", change: "added" });
    rig.wire.admit("hall", { version: 20, resumed: true, from: 20 });
    rig.wire.say(message("hall", 21));
    expect([ids(), room.snapshot().more, room.snapshot().from]).toEqual([[21], false, 20]);
  });

  test("is not kept out if the removal arrives after they were added again", async () => {
    const { rig, room } = await inHall();
    rig.wire.say({ type: "rooms", room: "hall", change: "changed" });
    rig.wire.say({ type: "left", room: "hall", code: 4503 });
    expect(room.snapshot().state).toBe("joining");
    refuse(rig);
    expect(room.snapshot()).toMatchObject({ state: "out", error: { code: "removed" } });
    expect(rig.wire.sent).toEqual([]);
    // Nobody says what happens while there is no connection, so the next one asks once.
    rig.wire.end(1006);
    await rig.back();
    rig.wire.welcome();
    refuse(rig);
    expect(room.snapshot()).toMatchObject({ state: "out", error: { code: "removed" } });
    rig.wire.say({ type: "rooms", room: "hall", change: "added" });
    rig.wire.admit("hall", { version: 30 });
    expect(room.snapshot()).toMatchObject({ state: "live", error: undefined });
  });

  test("learns that a change of theirs is given up, however late they make it", async () => {
    // One that was in flight came back as `busy`, and then waited for ever for a room that nobody joined.
    const { rig, room } = await inHall();
    const late = outcome(room.edit(5, "Tea?"));
    const { ref } = rig.wire.take("edit");
    rig.wire.say({ type: "left", room: "hall", code: 4503 });
    rig.wire.say({ type: "error", ref, code: "busy", message: "Later.", retryable: true, retryAfterMs: 1 });
    await rig.pass(1_000);
    expect(await late).toBe("removed");
    expect(await outcome(room.react(5, "👍"))).toBe("removed");
    expect(rig.wire.sent.filter(({ type }) => type !== "ping")).toEqual([]);
  });

  test("stays away if they left for good", async () => {
    const { rig, room } = await inHall();
    rig.wire.say({ type: "left", room: "hall", code: 4505 });
    rig.wire.end(1006);
    await rig.back();
    rig.wire.welcome();
    expect(rig.wire.sent).toEqual([]);
    expect(room.snapshot()).toMatchObject({ state: "out", error: { code: "left" } });
  });
});

describe("a room as an iteration", () => {
  test("yields each message as it arrives, until the room is left", async () => {
    const { rig, room } = await inHall();
    const received: string[] = [];
    const done = (async () => {
      for await (const { id, change } of room) received.push(`${id} ${change}`);
    })();
    rig.wire.say(message("hall", 11));
    rig.wire.say(message("hall", 11, { version: 12, prev: 11, change: "updated" }));
    await rig.settle();
    room.leave();
    await done;
    expect(received).toEqual(["11 created", "11 updated"]);
  });

  test("throws the reason of an aborted signal", async () => {
    const { room } = await inHall();
    const control = new AbortController();
    const next = room.events({ signal: control.signal }).next();
    control.abort(new Error("enough"));
    expect(next).rejects.toThrow("enough");
  });

  test("throws if the reader is too slow, so that memory stays bounded", async () => {
    const { rig, room } = await inHall();
    const events = room.events();
    const next = outcome(events.next());
    for (let id = 11; id <= 10_100; id++) rig.wire.say(message("hall", id));
    expect(await next).toBe("too_slow");
  });
});

describe("people", () => {
  const joined = { version: 10, online: 2, people: ["ada", "ben"], lastRead: 7, unread: 3 };

  test("come and go", async () => {
    const { rig, room } = await inHall({ history: 0 }, joined);
    const names = () => room.snapshot().people.map(({ username }) => username);
    expect([room.snapshot().online, names()]).toEqual([2, ["ada", "ben"]]);
    const profiles = [{ id: "u_cy", name: "Cy Twombly" }];
    rig.wire.say({ type: "presence", room: "hall", online: 2, joined: ["cy"], profiles, left: ["ben"] });
    expect([room.snapshot().online, names()]).toEqual([2, ["ada", "cy"]]);
    expect(room.snapshot().people[1]).toEqual({ id: "u_cy", username: "cy", name: "Cy Twombly" });
    rig.wire.say({ type: "presence", room: "hall", online: 400 });
    expect(room.snapshot()).toMatchObject({ online: 400 });
    // Few enough to be named again: this is the whole list.
    rig.wire.say({ type: "presence", room: "hall", online: 2, joined: ["ada", "dan"] });
    expect([room.snapshot().online, names()]).toEqual([2, ["ada", "dan"]]);
  });

  test("are shown as typing for a while, except oneself", async () => {
    const { rig, room } = await inHall({ history: 0 }, joined);
    rig.wire.say({ type: "typing", room: "hall", username: "ben", user: { id: "u_ben" } });
    rig.wire.say({ type: "typing", room: "hall", username: "ada", user: { id: "u_ada" } });
    const { typing } = room.snapshot();
    expect(typing).toEqual([{ id: "u_ben", username: "ben" }]);
    rig.wire.say(message("hall", 11));
    expect(room.snapshot().typing).not.toBe(typing);
    rig.wire.say({ type: "typing", room: "hall", username: "ben", user: { id: "u_ben" } });
    await rig.pass(6_000);
    expect(room.snapshot().typing).toEqual([]);
    rig.wire.say({ type: "typing", room: "hall", username: "ben", user: { id: "u_ben" } });
    rig.wire.say(message("hall", 12));
    expect(room.snapshot().typing).toEqual([]);
  });

  test("are notified of typing at most every 2 seconds", async () => {
    const { rig, room } = await inHall({ history: 0 }, joined);
    for (let key = 0; key < 10; key++) room.typing();
    expect(rig.wire.sent).toMatchObject([{ type: "typing", room: "hall" }]);
    await rig.pass(2_000);
    room.typing();
    expect(rig.wire.sent).toHaveLength(2);
  });

  test("have a read mark, after which messages of others count as unread", async () => {
    const { rig, room } = await inHall({ history: 0 }, joined);
    expect(room.snapshot()).toMatchObject({ lastRead: 7, unread: 3 });
    rig.wire.say(message("hall", 11));
    rig.wire.say(message("hall", 12, { username: "ada", user: { id: "u_ada" } }));
    expect(room.snapshot().unread).toBe(4);
    const read = room.read(12);
    expect(room.snapshot()).toMatchObject({ lastRead: 12, unread: 0 });
    const { ref, id } = rig.wire.take("read");
    expect(id).toBe(12);
    rig.wire.say({ type: "ok", ref });
    await read;
    rig.wire.say(message("hall", 13));
    rig.wire.say(message("hall", 14));
    rig.wire.say(
      message("hall", 13, { version: 15, prev: 14, change: "deleted", content: "", deletedAt: "now" }),
    );
    expect(room.snapshot().unread).toBe(1);
    rig.wire.say({ type: "read", room: "hall", id: 14 });
    expect(room.snapshot()).toMatchObject({ lastRead: 14, unread: 0 });
  });
});

describe("the number of unread messages", () => {
  test("counts missed messages once, as the server does", async () => {
    const { rig, room, reconnect } = await inHall({ history: 0 }, { version: 10, lastRead: 7, unread: 3 });
    await reconnect();
    rig.wire.say({ type: "ok", ref: rig.wire.take("join").ref });
    const resumed = { version: 12, resumed: true, lastRead: 7, unread: 5 };
    rig.wire.say({ type: "joined", room: "hall", epoch: "first", ...resumed });
    for (const id of [11, 12]) rig.wire.say(message("hall", id, { replay: true, prev: undefined }));
    expect(room.snapshot().unread).toBe(5);
    rig.wire.say(message("hall", 13));
    expect(room.snapshot().unread).toBe(6);
  });
});

describe("history outside the list", () => {
  const reply = async (rig: ReturnType<typeof createRig>, messages: unknown[], more: boolean) => {
    await rig.settle();
    const asked = rig.wire.take("history");
    rig.wire.say({ type: "ok", ref: asked.ref, messages, more });
    return asked;
  };

  test("reads before, after and around a message", async () => {
    const { rig, room } = await inHall();
    const older = room.history({ before: 5, limit: 2 });
    expect(await reply(rig, page(3, 4), true)).toMatchObject({ before: 5, limit: 2 });
    expect(await older).toMatchObject({ messages: [{ id: 3 }, { id: 4 }], older: true, newer: true });

    const newer = room.history({ after: 8, limit: 5 });
    expect(await reply(rig, page(9, 10), false)).toMatchObject({ after: 8, limit: 5 });
    expect(await newer).toMatchObject({ messages: [{ id: 9 }, { id: 10 }], older: true, newer: false });

    const around = room.history({ around: 5, limit: 4 });
    expect(await reply(rig, page(3, 4), true)).toMatchObject({ before: 5, limit: 2 });
    expect(await reply(rig, page(5, 6), true)).toMatchObject({ after: 4, limit: 2 });
    const found = await around;
    expect(found.messages.map(({ id }) => id)).toEqual([3, 4, 5, 6]);
    expect(found).toMatchObject({ older: true, newer: true });
    expect(room.snapshot().messages).toEqual([]);
  });

  test("waits for the connection, or until its signal is aborted", async () => {
    const { rig, room } = await inHall();
    const page1 = room.history();
    rig.wire.end(1006);
    const control = new AbortController();
    const page2 = outcome(room.history({ signal: control.signal }));
    control.abort(new Error("never mind"));
    expect(await page2).toBe("Error: never mind");
    // A lost query was not refused, so there is no backoff.
    rig.wake();
    await rig.settle();
    rig.wire.welcome();
    rig.wire.admit("hall", { version: 10, resumed: true });
    await reply(rig, page(9, 10), true);
    expect((await page1).messages).toHaveLength(2);
  });

  test("keeps only valid messages, and sorts them", async () => {
    const { rig, room } = await inHall();
    const found = room.history();
    const [one, two] = page(9, 10);
    await reply(rig, [two, null, "x", { id: 3 }, one], false);
    expect((await found).messages.map(({ id }) => id)).toEqual([9, 10]);
  });
});
