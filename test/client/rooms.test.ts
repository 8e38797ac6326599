import { describe, expect, test } from "bun:test";
import { createRig, json, outcome, problem, type Request } from "./rig.ts";

const ADA = { email: "ada@example.com", password: "correct horse battery" };

const LAST = {
  id: 7,
  username: "ben",
  user: { id: "u_ben" },
  content: "Tea?",
  timestamp: "2026-11-24T12:00:00Z",
};
const SHOWN = {
  kind: "open",
  title: "",
  topic: "",
  archived: false,
  history: "all",
  membersAdd: false,
  receipts: false,
  version: 7,
  role: "member",
  joinedAt: "2026-11-23T12:00:00Z",
  notify: null,
  hidden: false,
  pinned: false,
};
const HALL = {
  ...SHOWN,
  room: "hall",
  last: LAST,
  lastActivity: LAST.timestamp,
  online: 2,
  lastRead: 4,
  unread: 3,
};
const ATTIC = {
  ...SHOWN,
  room: "attic",
  last: null,
  lastActivity: null,
  online: 0,
  lastRead: null,
  unread: 100,
};

/** A rig whose person is signed in, and whose server handles `/rooms/` with `http`. */
async function signedIn(http: (request: Request) => Response | Promise<Response>) {
  const rig = createRig({
    http(request) {
      const { path } = request;
      if (path === "/account/login/" || path === "/account/refresh/")
        return json({ access: `for ${path}`, refresh: "refresh", username: "ada", email: ADA.email });
      return http(request);
    },
  });
  await rig.chat.login(ADA);
  (rig.requests as Request[]).splice(0);
  return rig;
}

describe("a list of rooms", () => {
  test("has each room with its newest message and what is unread", async () => {
    const rig = await signedIn(() => json([ATTIC, HALL]));
    const page = await rig.chat.listRooms();
    expect(page).toMatchObject({
      items: [
        { room: "attic", last: null, online: 0, lastRead: null, unread: 100 },
        { room: "hall", last: LAST, online: 2, lastRead: 4, unread: 3 },
      ],
      next: undefined,
    });
    expect(rig.requests).toMatchObject([
      { method: "GET", path: "/rooms/?limit=50", token: "for /account/login/" },
    ]);
  });

  test("is read page by page, with the cursor that the server's Link names", async () => {
    const rig = await signedIn(({ path }) =>
      path.includes("after")
        ? json([HALL])
        : json([ATTIC], 200, { link: '</rooms/?all=&after=caf%C3%A9&limit=1>; rel="next"' }),
    );
    const first = await rig.chat.listRooms({ all: true, limit: 1 });
    const second = await rig.chat.listRooms({ all: true, limit: 1, after: first.next });
    expect([first, second].map(({ items }) => items.map(({ room }) => room))).toEqual([["attic"], ["hall"]]);
    expect(second.next).toBeUndefined();
    expect(rig.requests.map(({ path }) => path)).toEqual([
      "/rooms/?limit=1&all=",
      "/rooms/?limit=1&after=caf%C3%A9&all=",
    ]);
    await rig.chat.listRooms({ after: "café" });
    expect(rig.requests.at(-1)?.path).toBe("/rooms/?limit=50&after=caf%C3%A9");
  });

  test("leaves out items that are not rooms, and fails if the body is not a list", async () => {
    const odd = [null, 7, {}, { ...HALL, last: 7 }, { ...HALL, online: "2" }, { ...HALL, lastRead: -1 }];
    const rig = await signedIn(() => json([...odd, HALL]));
    expect((await rig.chat.listRooms()).items.map(({ room }) => room)).toEqual(["hall"]);
    const none = await signedIn(() => json({ rooms: [] }));
    expect(await outcome(none.chat.listRooms())).toBe("bad_answer");
  });

  test("is requested again with a renewed token if the server refuses the first", async () => {
    const rig = await signedIn(({ token }) =>
      token === "for /account/refresh/" ? json([HALL]) : problem("token_expired", 401),
    );
    expect((await rig.chat.listRooms()).items).toHaveLength(1);
    expect(rig.requests.map(({ path, token }) => [path, token])).toEqual([
      ["/rooms/?limit=50", "for /account/login/"],
      ["/account/refresh/", undefined],
      ["/rooms/?limit=50", "for /account/refresh/"],
    ]);
  });

  test("fails with the server's code, and with the reason of its signal", async () => {
    const rig = await signedIn(() => problem("rate_limited", 429, true));
    expect(await outcome(rig.chat.listRooms())).toBe("rate_limited");
    expect(await outcome(rig.chat.listRooms({ signal: AbortSignal.abort(new Error("never mind")) }))).toBe(
      "Error: never mind",
    );
    expect(await outcome(createRig().chat.listRooms())).toBe("unreachable");
  });
});

describe("leaving a room for good", () => {
  const MEMBER = "DELETE /rooms/caf%C3%A9/members/me/";
  const gone = () => new Response(null, { status: 204 });
  const calls = (requests: readonly Request[]) =>
    requests.map(({ method, path }) => `${method} ${path.split("?")[0]}`);

  /** A signed-in person who is in the room "café". */
  async function inCafe(http: (request: Request) => Response | Promise<Response> = gone) {
    const rig = await signedIn(http);
    const room = rig.chat.room("café", { history: 0 }).join();
    await rig.settle();
    rig.wire.welcome();
    rig.wire.admit("café", { version: 3 });
    return { rig, room };
  }

  const reconnect = async (rig: Awaited<ReturnType<typeof signedIn>>) => {
    rig.wire.end(1006);
    await rig.back();
    rig.wire.welcome();
  };

  test("ends the membership, and the room is out and stays out", async () => {
    const { rig, room } = await inCafe();
    const iterated = Array.fromAsync(room);
    await rig.chat.leaveRoom("cafe\u0301");
    expect(calls(rig.requests)).toEqual([MEMBER]);
    expect(room.snapshot()).toMatchObject({
      state: "out",
      error: { code: "left", message: "You left this room.", retryable: false },
    });
    expect(await iterated).toEqual([]);
    // The server's own word comes later, and changes nothing.
    rig.wire.say({ type: "left", room: "café", code: 4505 });
    await reconnect(rig);
    expect(room.snapshot()).toMatchObject({ state: "out", error: { code: "left" } });
    await rig.pass(3_600_000);
    expect(rig.wires.flatMap(({ sent }) => sent.filter(({ type }) => type === "join"))).toEqual([]);
  });

  test("works without a connection to the room, which is then not joined later", async () => {
    const { rig, room } = await inCafe();
    rig.wire.end(1006);
    await rig.chat.leaveRoom("café");
    await rig.back();
    rig.wire.welcome();
    expect(rig.wire.sent).toEqual([]);
    expect(room.snapshot().state).toBe("out");
    await rig.chat.leaveRoom("never joined");
    expect(calls(rig.requests)).toEqual([MEMBER, "DELETE /rooms/never%20joined/members/me/"]);
  });

  test("gives up what waits there, so that nothing makes the person a member again", async () => {
    const { rig, room } = await inCafe();
    const first = outcome(room.send("on its way"));
    const { ref } = rig.wire.take("send");
    const later = [room.send("behind it"), room.edit(2, "and this")].map(outcome);
    await rig.chat.leaveRoom("café");
    expect(await Promise.all(later)).toEqual(["left", "left"]);
    rig.wire.say({ type: "ok", ref, id: 4, version: 4, timestamp: "now" });
    expect(await first).toBe("done");
    expect(rig.wire.sent.filter(({ type }) => type !== "leave")).toEqual([]);
  });

  test("from another device ends the room here, and it does not rejoin by itself", async () => {
    const { rig, room } = await inCafe();
    const codes: number[] = [];
    room.on("left", ({ code }) => void codes.push(code));
    const edited = outcome(room.edit(2, "in flight"));
    rig.wire.take("edit");
    const waiting = outcome(room.edit(3, "behind it"));
    rig.wire.say({ type: "left", room: "café", code: 4505 });
    expect(codes).toEqual([4505]);
    expect(await waiting).toBe("left");
    expect(room.snapshot()).toMatchObject({ state: "out", error: { code: "left" } });
    await reconnect(rig);
    await rig.pass(3_600_000);
    expect(rig.wires.flatMap(({ sent }) => sent.filter(({ type }) => type === "join"))).toEqual([]);
    // Its outcome is unknown, and it is not sent again.
    expect(await edited).toBe("left");
  });

  test("can be undone by joining again", async () => {
    const { rig, room } = await inCafe();
    await rig.chat.leaveRoom("café");
    expect(rig.chat.room("café").join()).toBe(room);
    // Whatever the server says of the earlier membership comes before the reply to the new join.
    rig.wire.say({ type: "left", room: "café", code: 4505 });
    rig.wire.admit("café", { version: 3, resumed: true });
    expect(room.snapshot()).toMatchObject({ state: "live", error: undefined });
  });

  test("is one change until its outcome is known, and a refusal changes nothing", async () => {
    const responses = [problem("unavailable", 503, true), problem("last_owner", 409), gone()];
    const { rig, room } = await inCafe(() => responses.shift() as Response);
    const refused = outcome(rig.chat.leaveRoom("café"));
    await rig.pass(1_000);
    expect(await refused).toBe("last_owner");
    expect(room.snapshot().state).toBe("live");
    await rig.chat.leaveRoom("café", { heir: "@ben" });
    const [one, again, other] = rig.requests.map(({ path }) => new URL(path, "http://x").searchParams);
    expect(again?.get("clientId")).toBe(one?.get("clientId") ?? "none");
    expect(other?.get("clientId")).not.toBe(one?.get("clientId") ?? "none");
    expect([one?.get("heir"), other?.get("heir")]).toEqual([null, "@ben"]);
    expect(room.snapshot()).toMatchObject({ state: "out", error: { code: "left" } });
  });
});
