import { expect, test } from "bun:test";
import { createRig, json, jwt, outcome, problem, type Request } from "./rig.ts";

const at = (minute: number) => `2026-11-24T12:${String(minute).padStart(2, "0")}:00.000000Z`;

/** A room as the server lists it, whose newest message was posted in that minute. */
const line = (room: string, minute: number, more: object = {}) => ({
  room,
  kind: "open",
  title: "",
  topic: "",
  archived: false,
  history: "all",
  membersAdd: false,
  receipts: false,
  version: minute,
  last: {
    id: minute,
    username: "ben",
    user: { id: "u_ben" },
    content: `at ${minute}`,
    timestamp: at(minute),
  },
  lastActivity: at(minute),
  online: 1,
  role: "member",
  joinedAt: at(0),
  lastRead: 0,
  unread: 1,
  unreadMore: false,
  notify: null,
  hidden: false,
  pinned: false,
  ...more,
});

/** A signed-in person whose server has these rooms. The list has been loaded. */
async function opened(...lines: ReturnType<typeof line>[]) {
  const rooms = new Map(lines.map((one) => [one.room, one]));
  const fail: { with?: Response | undefined } = {};
  const rig = createRig({
    tokens: () => jwt("token"),
    http({ method, path }: Request) {
      if (fail.with) return fail.with.clone();
      const [, room] = /^\/rooms\/([^/?]+)\//.exec(path) ?? [];
      if (method === "PUT") return new Response(null, { status: 204 });
      if (room) return rooms.has(room) ? json(rooms.get(room)) : problem("not_found", 404);
      const before = /before=(\w+)/.exec(path)?.[1];
      const all = [...rooms.values()];
      if (before) return json(all.slice(2));
      return json(
        all.slice(0, 2),
        200,
        all.length > 2 ? { link: '</rooms/?order=activity&before=c2&limit=50>; rel="next"' } : {},
      );
    },
  } as never);
  const list = rig.chat.rooms();
  list.subscribe(() => {});
  await rig.settle();
  rig.wire.welcome();
  const names = () => list.snapshot().items.map(({ room }) => room);
  const watch = async () => {
    rig.wire.say({ type: "ok", ref: rig.wire.take("watch").ref });
    await rig.settle();
  };
  await watch();
  const reads = () => (rig.requests as Request[]).splice(0).map(({ method, path }) => `${method} ${path}`);
  return { rig, list, names, rooms, reads, watch, fail };
}

test("the list is loaded after the watch has begun, and continues by its cursor", async () => {
  const { rig, list, names, reads } = await opened(line("hall", 9), line("attic", 8), line("cellar", 7));
  expect(reads()).toEqual(["GET /rooms/?limit=50&order=activity"]);
  expect(list.snapshot()).toMatchObject({ state: "live", more: true });
  expect(names()).toEqual(["hall", "attic"]);
  await list.load();
  expect(reads()).toEqual(["GET /rooms/?limit=50&before=c2&order=activity"]);
  expect([names(), list.snapshot().more]).toEqual([["hall", "attic", "cellar"], false]);
  expect(rig.chat.rooms()).toBe(list);
});

test("activity and changes of the list refresh a room; what is removed is gone at once", async () => {
  const { rig, names, rooms, reads, list } = await opened(line("hall", 9), line("attic", 8));
  reads();
  rooms.set("attic", line("attic", 11, { unread: 4 }));
  rig.wire.say({ type: "activity", room: "attic", id: 11 });
  await rig.pass(600);
  expect([names(), reads()]).toEqual([["attic", "hall"], ["GET /rooms/attic/"]]);
  expect(list.snapshot().items[0]).toMatchObject({ unread: 4, last: { content: "at 11" } });

  rooms.set("garden", line("garden", 12, { title: "Garden" }));
  rig.wire.say({ type: "rooms", room: "garden", change: "added" });
  await rig.pass(600);
  expect(names()).toEqual(["garden", "attic", "hall"]);
  rig.wire.say({ type: "rooms", room: "attic", change: "removed" });
  expect(names()).toEqual(["garden", "hall"]);
  reads();

  // Many at once cost one page, and those that are not on it are read one by one.
  for (const room of ["garden", "attic", "hall", "gone", "lost"])
    rig.wire.say({ type: "activity", room, id: 20 });
  await rig.pass(600);
  expect(reads()).toEqual(["GET /rooms/?limit=50&order=activity"]);
  await rig.pass(10_000);
  expect(names()).toEqual(["garden", "attic", "hall"]);
  expect(reads().length).toBeLessThanOrEqual(6);
});

test("rooms that the client is in need no requests", async () => {
  const { rig, list, names, reads } = await opened(line("hall", 9), line("attic", 8));
  rig.chat.room("attic", { history: 0 }).join();
  rig.wire.admit("attic", { version: 8, lastRead: 8, unread: 0 });
  reads();
  rig.wire.say({
    type: "message",
    room: "attic",
    change: "created",
    prev: 8,
    id: 9,
    version: 9,
    username: "ben",
    user: { id: "u_ben" },
    content: "Tea?",
    timestamp: at(30),
    clientId: crypto.randomUUID(),
  });
  expect(names()).toEqual(["attic", "hall"]);
  expect(list.snapshot().items[0]).toMatchObject({ unread: 1, last: { id: 9, content: "Tea?" } });
  await rig.pass(5_000);
  expect(reads()).toEqual([]);
});

test("a message that was posted right before the client joined a room is in the list", async () => {
  const { rig, list, rooms, reads } = await opened(line("hall", 9), line("attic", 8));
  reads();
  rig.chat.room("attic", { history: 0 }).join();
  // The server would have sent `activity` a moment later, but the client was in the room by then.
  rooms.set("attic", line("attic", 11, { unread: 2 }));
  rig.wire.admit("attic", { version: 11, unread: 2 });
  await rig.pass(600);
  expect(reads()).toEqual(["GET /rooms/attic/"]);
  expect(list.snapshot().items[0]).toMatchObject({ room: "attic", last: { content: "at 11" } });
});

test("a room that is read here is read in the list at once", async () => {
  const { rig, list } = await opened(line("hall", 9), line("attic", 8));
  const attic = rig.chat.room("attic", { history: 0 }).join();
  rig.wire.admit("attic", { version: 8, lastRead: 7, unread: 1 });
  const unread = () => list.snapshot().items.find(({ room }) => room === "attic")?.unread;
  expect(unread()).toBe(1);
  void attic.read(8).catch(() => {});
  expect(unread()).toBe(0);
});

test("hiding and pinning show at once, and a refusal changes nothing", async () => {
  const { list, names, reads, fail } = await opened(line("hall", 9), line("attic", 8));
  reads();
  await list.pin("attic");
  expect(names()).toEqual(["attic", "hall"]);
  await list.hide("attic");
  expect(names()).toEqual(["hall"]);
  await list.notify("hall", "none");
  expect(list.snapshot().items[0]).toMatchObject({ notify: "none" });
  expect(reads()).toEqual([
    "PUT /rooms/attic/members/me/",
    "PUT /rooms/attic/members/me/",
    "PUT /rooms/hall/members/me/",
  ]);
  fail.with = problem("unavailable", 503, true);
  expect(await outcome(list.hide("hall"))).toBe("unavailable");
  expect(names()).toEqual(["hall"]);
});

test("after a cut the list is kept, and read again once the watch has begun anew", async () => {
  const { rig, list, names, rooms, watch } = await opened(line("hall", 9), line("attic", 8));
  rig.wire.end(1006);
  expect([list.snapshot().state, names()]).toEqual(["offline", ["hall", "attic"]]);
  rooms.delete("attic");
  await rig.back();
  rig.wire.welcome();
  await watch();
  expect([list.snapshot().state, names()]).toEqual(["live", ["hall"]]);
});
