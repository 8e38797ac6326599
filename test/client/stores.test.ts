import { describe, expect, test } from "bun:test";
import { createChat } from "../../src/client/index.ts";
import { createRig, json, jwt, message, outcome, problem } from "./rig.ts";

/** What the client asked for on its latest socket so far, as `join hall`. */
const asked = ({ wire }: ReturnType<typeof createRig>) =>
  wire.sent.splice(0).flatMap(({ type, room }) => (type === "ping" ? [] : `${type} ${room}`));

/** A chat with an open socket in no room. `limit`: how many rooms it can be in. */
async function connected(limit = 200) {
  const rig = createRig();
  rig.chat.connect();
  await rig.settle();
  const welcome = () =>
    rig.wire.welcome({ limits: { frameBytes: 65_536, messageChars: 4_000, rooms: limit } });
  welcome();
  const room = (name: string) => rig.chat.room(name, { history: 0 });
  const joined = (...names: string[]) => names.forEach((name) => rig.wire.admit(name));
  return { rig, room, joined, welcome };
}

describe("a chat that nobody uses", () => {
  test("requests no token, opens no socket and starts no timer, although its rooms and lists are read", async () => {
    let calls = 0;
    const never = () => {
      calls++;
      throw new Error("not on a server");
    };
    const chat = createChat({
      url: "/",
      tokens: never,
      ports: {
        open: never,
        fetch: never,
        clock: { now: Date.now, monotonic: () => 0, after: never },
        onWake: never,
      },
    });
    const room = chat.room("hall");
    for (const store of [
      chat,
      chat.me,
      chat.rooms(),
      chat.blocks,
      chat.sessions,
      room,
      room.members,
      room.invitations,
      room.reports,
    ]) {
      expect(store.snapshot()).toBe(store.snapshot() as never);
      expect(store.initial()).toBe(store.initial() as never);
      expect(store.snapshot()).toEqual(store.initial() as never);
      const state = store.snapshot() ?? null;
      expect(structuredClone(state)).toEqual(state);
      expect(JSON.parse(JSON.stringify(state))).toEqual(state);
    }
    expect(room.snapshot()).toMatchObject({ name: "hall", state: "idle", messages: [] });
    expect(await chat.ready).toBe(true);
    expect(calls).toBe(0);
  });

  test("keeps no room that was only read, as a server does for each page", async () => {
    const chat = createChat({ url: "/" });
    const references: WeakRef<object>[] = [];
    for (let n = 0; n < 1_000; n++) references.push(new WeakRef(chat.room(`order-${n}`)));
    await new Promise<void>((resolve) => setImmediate(resolve));
    Bun.gc(true);
    const left = references.filter((reference) => reference.deref());
    expect(left.length).toBeLessThan(100);
  });

  test("rejects what needs the server if its url is relative, and says why", async () => {
    let tokens = 0;
    const chat = createChat({ url: "/", tokens: () => `${++tokens}` });
    const why = {
      code: "invalid",
      message: 'The relative url "/" works only in a browser.',
    };
    for (const work of [
      () => chat.room("hall").send("Hello"),
      () => chat.room("hall").history(),
      () => chat.login({ email: "ada@example.com", password: "secret" }),
    ])
      expect(await work().catch((error) => error)).toMatchObject(why);
    expect(chat.snapshot().connection).toMatchObject({ state: "closed", error: why });
    expect(tokens).toBe(0);
    expect(() => createChat({ url: "http://[" })).toThrow('"http://[" is not a URL.');
  });

  test("can have a relative url on a page, and resolves it against the page's address", async () => {
    Object.assign(globalThis, { location: { href: "https://shop.example.com/orders/7" } });
    try {
      const urls: string[] = [];
      const rig = createRig();
      const chat = createChat({
        url: "/chat",
        tokens: () => jwt("token"),
        ports: { open: (url) => (urls.push(url), { send() {}, close() {} }) },
      });
      chat.room("hall").join();
      await rig.settle();
      expect(urls).toEqual(["wss://shop.example.com/chat/ws/"]);
      await chat.close();
    } finally {
      Reflect.deleteProperty(globalThis, "location");
    }
  });
});

describe("a room", () => {
  test("connects and is joined with the first subscription, whatever kind it is", async () => {
    for (const subscribe of [
      (room: ReturnType<ReturnType<typeof createRig>["chat"]["room"]>) => room.subscribe(() => {}),
      (room: ReturnType<ReturnType<typeof createRig>["chat"]["room"]>) => room.on("message", () => {}),
      (room: ReturnType<ReturnType<typeof createRig>["chat"]["room"]>) => void room.events().next(),
      (room: ReturnType<ReturnType<typeof createRig>["chat"]["room"]>) => void room.older().catch(() => {}),
    ]) {
      const rig = createRig();
      const room = rig.chat.room("hall");
      await rig.settle();
      expect([rig.wires.length, room.snapshot().state]).toEqual([0, "idle"]);
      subscribe(room);
      await rig.settle();
      rig.wire.welcome();
      expect(asked(rig)).toEqual(["join hall"]);
      expect(room.snapshot().state).toBe("joining");
    }
  });

  test("is not joined by those who listen to the outcome of changes alone", async () => {
    const { rig, room } = await connected();
    room("hall").on("settled", () => {});
    expect([asked(rig), room("hall").snapshot().state]).toEqual([[], "idle"]);
  });

  test("is left 10 seconds after its last subscriber, and coming back before that costs nothing", async () => {
    const { rig, room, joined } = await connected();
    const offs = [room("hall").subscribe(() => {}), room("hall").subscribe(() => {})];
    joined("hall");
    for (const off of offs) off();
    for (const off of offs) off(); // A second time changes nothing.
    await rig.pass(9_999);
    expect(room("hall").snapshot().state).toBe("live");
    const again = room("hall").subscribe(() => {});
    await rig.pass(20_000);
    expect([asked(rig), room("hall").snapshot().state]).toEqual([[], "live"]);
    again();
    await rig.pass(10_000);
    expect([asked(rig), room("hall").snapshot().state]).toEqual([["leave hall"], "idle"]);
  });

  test("continues from what it has if it is joined again after that", async () => {
    const { rig, room, joined } = await connected();
    const off = room("hall").subscribe(() => {});
    joined("hall");
    rig.wire.say(message("hall", 1));
    off();
    await rig.pass(10_000);
    room("hall").subscribe(() => {});
    expect(rig.wire.sent.at(-1)).toMatchObject({ type: "join", since: "first.1" });
    expect(room("hall").snapshot().messages).toHaveLength(1);
  });

  test("drops its messages if 20 other rooms were left since", async () => {
    const { rig, room, joined } = await connected();
    for (let n = 0; n <= 21; n++) {
      const off = room(`room-${n}`).subscribe(() => {});
      joined(`room-${n}`);
      rig.wire.say(message(`room-${n}`, 1));
      off();
      await rig.pass(10_000);
    }
    const kept = (n: number) => room(`room-${n}`).snapshot().messages.length;
    expect([kept(0), kept(1), kept(2), kept(21)]).toEqual([0, 1, 1, 1]);
  });

  test("stays in `out` for as long as someone shows its error, and is tried again by a later subscriber", async () => {
    const { rig, room } = await connected();
    const refuse = () => {
      const { ref } = rig.wire.take("join");
      rig.wire.say({ type: "error", ref, code: "forbidden", message: "No.", retryable: false });
    };
    const off = room("hall").subscribe(() => {});
    refuse();
    off();
    const again = room("hall").subscribe(() => {}); // StrictMode, or a page that shows it elsewhere.
    expect(room("hall").snapshot()).toMatchObject({ state: "out", error: { code: "forbidden" } });
    again();
    await rig.pass(10_000);
    expect(room("hall").snapshot()).toMatchObject({ state: "idle", error: undefined });
    expect(asked(rig)).toEqual([]);
    room("hall").subscribe(() => {});
    refuse();
    room("hall").join();
    rig.wire.admit("hall");
    expect(room("hall").snapshot()).toMatchObject({ state: "live", error: undefined });
  });

  test("stays joined from `join` to `leave` if nobody subscribes", async () => {
    const { rig, room, joined } = await connected();
    room("hall").join();
    joined("hall");
    room("hall").subscribe(() => {})();
    await rig.pass(20_000);
    expect(room("hall").snapshot().state).toBe("live");
    room("hall").leave();
    expect([asked(rig), room("hall").snapshot().state]).toEqual([["leave hall"], "idle"]);
  });

  test("has the same parts in its snapshots until they change", async () => {
    const { rig, room, joined } = await connected();
    room("hall").subscribe(() => {});
    joined("hall");
    rig.wire.say({ type: "typing", room: "hall", username: "ben", user: { id: "u_ben" } });
    const { messages, typing, people, folded } = room("hall").snapshot();
    rig.wire.say({ type: "presence", room: "hall", online: 2, joined: ["ben"], profiles: [{ id: "u_ben" }] });
    const later = room("hall").snapshot();
    expect([later.messages === messages, later.typing === typing, later.folded === folded]).toEqual([
      true,
      true,
      true,
    ]);
    expect(later.people).not.toBe(people);
  });
});

test("the person is the same object after a cut, and listeners hear of changes alone", async () => {
  const { rig, welcome } = await connected();
  const { me } = rig.chat;
  const seen: (string | undefined)[] = [];
  me.subscribe(() => seen.push(me.snapshot()?.name));
  const before = me.snapshot();
  expect(before).toMatchObject({ id: "u_ada", username: "ada" });
  rig.wire.end(1006);
  expect(me.snapshot()).toBe(before);
  await rig.back();
  welcome();
  expect(me.snapshot()).toBe(before);
  rig.wire.end(1006);
  await rig.back();
  rig.wire.welcome({ user: { id: "u_ada", username: "ada", name: "Ada Lovelace" } });
  expect([me.snapshot()?.name, seen]).toEqual(["Ada Lovelace", ["Ada Lovelace"]]);
});

describe("a list that is loaded page by page", () => {
  const person = { id: "u_ben", username: "ben" };
  const report = (id: string) => ({
    id,
    room: "hall",
    at: "2026-11-24T12:00:00Z",
    reason: "spam",
    by: person,
    message: { id: 1, version: 1, sender: person, content: "Buy!" },
    resolved: null,
  });

  /** A room with these reports, two on a page. */
  function reported(...ids: string[]) {
    const fail: { with?: Response | undefined } = {};
    const rig = createRig({
      tokens: () => jwt("token"),
      http({ method, path }) {
        if (fail.with) return fail.with.clone();
        const [, id] = /reports\/(\w+)\//.exec(path) ?? [];
        if (method === "PATCH" && id) ids.splice(ids.indexOf(id), 1);
        const after = ids.indexOf(/after=(\w+)/.exec(path)?.[1] ?? "") + 1;
        const page = ids.slice(after, after + 2);
        const more = ids.length > after + 2;
        return json(
          page.map(report),
          200,
          more ? { link: `<?after=${page.at(-1)}&limit=2>; rel="next"` } : {},
        );
      },
    });
    const { reports } = rig.chat.room("hall");
    return { rig, reports, ids, fail, shown: () => reports.snapshot().items.map(({ id }) => id) };
  }

  test("loads its first page for its first subscriber, then the next ones when asked, and never joins", async () => {
    const { rig, reports, shown } = reported("a", "b", "c");
    expect(reports.snapshot()).toEqual({ items: [], more: true, error: undefined });
    reports.subscribe(() => {});
    reports.subscribe(() => {});
    await rig.settle();
    expect([shown(), reports.snapshot().more]).toEqual([["a", "b"], true]);
    await Promise.all([reports.load(), reports.load()]);
    expect([shown(), reports.snapshot().more]).toEqual([["a", "b", "c"], false]);
    await reports.load();
    expect([rig.requests.length, rig.wires.length]).toEqual([2, 0]);
  });

  test("follows what this client does, and is read anew by a later subscriber", async () => {
    const { rig, reports, ids, shown } = reported("a", "b");
    const off = reports.subscribe(() => {});
    await rig.settle();
    await rig.chat.room("hall").resolve("a", "Deleted.");
    expect(shown()).toEqual(["b"]);
    off();
    ids.push("c");
    reports.subscribe(() => {});
    expect(shown()).toEqual(["b"]);
    await rig.settle();
    expect(shown()).toEqual(["b", "c"]);
  });

  test("has the error in its state, and keeps what it had", async () => {
    const { rig, reports, fail, shown } = reported("a", "b", "c");
    fail.with = problem("forbidden", 403);
    reports.subscribe(() => {});
    await rig.settle();
    expect(reports.snapshot()).toMatchObject({ items: [], more: true, error: { code: "forbidden" } });
    fail.with = undefined;
    await reports.load();
    expect([shown(), reports.snapshot().error]).toEqual([["a", "b"], undefined]);
    fail.with = problem("unavailable", 503, true);
    expect(await outcome(reports.load())).toBe("unavailable");
    expect([shown(), reports.snapshot().error?.code]).toEqual([["a", "b"], "unavailable"]);
  });

  test("is loaded for its subscribers by the next connection if it could not be loaded before", async () => {
    const { rig, reports, fail, shown } = reported("a");
    fail.with = problem("unavailable", 503, true);
    rig.chat.connect();
    const off = reports.subscribe(() => {});
    await rig.settle();
    expect(reports.snapshot().error?.code).toBe("unavailable");
    fail.with = undefined;
    rig.wire.welcome();
    await rig.settle();
    expect([shown(), reports.snapshot().error]).toEqual([["a"], undefined]);
    off();
    const { length } = rig.requests;
    rig.wire.end(1006);
    await rig.back();
    rig.wire.welcome();
    await rig.settle();
    expect(rig.requests.length).toBe(length);
  });

  test("gives up waiting with a signal, while others go on", async () => {
    const { reports, shown } = reported("a");
    const control = new AbortController();
    const one = outcome(reports.load({ signal: control.signal }));
    const other = reports.load();
    control.abort(new Error("never mind"));
    expect(await one).toBe("Error: never mind");
    await other;
    expect(shown()).toEqual(["a"]);
  });
});

describe("the list of rooms", () => {
  test("is watched while someone is subscribed, and 10 seconds longer", async () => {
    const { rig } = await connected();
    const list = rig.chat.rooms();
    expect(list.snapshot()).toEqual({ state: "idle", items: [], more: false });
    const off = list.subscribe(() => {});
    await rig.settle();
    expect(rig.wire.take("watch")).toMatchObject({ on: true });
    off();
    list.subscribe(() => {})();
    await rig.pass(9_999);
    expect(rig.wire.sent).toEqual([]);
    await rig.pass(1);
    expect(rig.wire.take("watch")).toMatchObject({ on: false });
    expect(list.snapshot().state).toBe("idle");
  });
});

describe("a socket that is in as many rooms as it can be", () => {
  const states = (rig: ReturnType<typeof createRig>, ...names: string[]) =>
    names.map((name) => rig.chat.room(name).snapshot().state);

  test("leaves rooms that nobody shows any more, first", async () => {
    const { rig, room, joined } = await connected(2);
    const off = room("a").subscribe(() => {});
    room("b").subscribe(() => {});
    joined("a", "b");
    off();
    room("c").subscribe(() => {});
    expect(asked(rig)).toEqual(["leave a", "join c"]);
  });

  test("leaves the one that was opened longest ago, which is joined again when there is a place", async () => {
    const { rig, room, joined } = await connected(2);
    for (const name of ["a", "b"]) room(name).subscribe(() => {});
    joined("a", "b");
    const off = room("c").subscribe(() => {});
    expect(rig.wire.take("leave")).toMatchObject({ room: "a" });
    joined("c");
    expect(states(rig, "a", "b", "c")).toEqual(["joining", "live", "live"]);
    off();
    await rig.pass(10_000);
    expect(asked(rig)).toEqual(["leave c", "join a"]);
  });

  test("lets rooms with waiting changes in until these have settled", async () => {
    const { rig, room, joined, welcome } = await connected(2);
    for (const name of ["a", "b"]) room(name).subscribe(() => {});
    joined("a", "b");
    rig.wire.end(1006);
    const edits = ["x", "y", "z"].map((name) => outcome(room(name).send("Hello")));
    await rig.back();
    welcome();
    for (const name of ["x", "y", "z"]) {
      const { ref } = rig.wire.take("send");
      rig.wire.say({ type: "ok", ref, id: 1, version: 1, timestamp: "now" });
      await rig.settle();
      expect(name).toBeString();
    }
    expect(await Promise.all(edits)).toEqual(["done", "done", "done"]);
    const inside = new Set<unknown>();
    for (const { type, room: name } of rig.wire.sent.splice(0)) {
      if (type === "join") inside.add(name);
      if (type === "leave") inside.delete(name);
      expect(inside.size).toBeLessThanOrEqual(2);
    }
    expect([...inside].sort()).toEqual(["a", "b"]);
  });

  test("has those that were opened last after a cut", async () => {
    const { rig, room, joined, welcome } = await connected(2);
    for (const name of ["a", "b", "c", "d"]) {
      room(name).subscribe(() => {});
      joined(name);
    }
    expect(states(rig, "a", "b", "c", "d")).toEqual(["joining", "joining", "live", "live"]);
    rig.wire.end(1006);
    await rig.back();
    welcome();
    const inside = new Set<unknown>();
    for (const { type, room: name } of rig.wire.sent.splice(0))
      if (type === "join") inside.add(name);
      else inside.delete(name);
    expect([...inside]).toEqual(["c", "d"]);
  });

  test("tries again if the server counts another room", async () => {
    const { rig, room } = await connected(2);
    room("a").subscribe(() => {});
    const { ref } = rig.wire.take("join");
    rig.wire.say({ type: "error", ref, code: "too_many_rooms", message: "Full.", retryable: false });
    expect(states(rig, "a")).toEqual(["joining"]);
    await rig.pass(20_000);
    expect(asked(rig)).toEqual(["join a"]);
  });
});
