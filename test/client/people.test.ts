import { afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type Chat, createChat, type Room } from "../../src/client/index.ts";
import { api } from "../support/api.ts";
import { house, type House, START_MS } from "../support/house.ts";
import { type Person, register } from "../support/people.ts";
import { type Proxy, startProxy } from "../support/proxy.ts";
import { until } from "../support/until.ts";
import { outcome } from "./rig.ts";

setDefaultTimeout(START_MS);

// A real server, and people in private rooms. Proxies break their connections at the moment that a test chooses.

let home: House;
const ends: (() => unknown)[] = [];

beforeAll(async () => {
  home = await house();
});
afterEach(async () => {
  await Promise.all(ends.splice(0).map((end) => end()));
});

/** Someone with a client, and the proxy before it. */
function guest(person: Person): { chat: Chat; proxy: Proxy } {
  const proxy = startProxy(home.server.port);
  // Keep the backoff short. Other tests cover its length.
  const chat = createChat({ url: proxy.url, tokens: () => person.token, ports: { random: () => 0.02 } });
  ends.push(() => chat.close().then(() => proxy.stop()));
  return { chat, proxy };
}

const live = (room: Room) => until(() => room.snapshot().state === "live");
/** What a list shows: texts, and what notices are about. */
const shown = (room: Room) =>
  room.snapshot().entries.map((entry) => {
    if (!entry.notice) return entry.content;
    const { type, users } = entry.notice;
    return [type, ...users.map(({ username }) => username)].join(" ");
  });
const shows = (room: Room, ...entries: string[]) =>
  until(() => Bun.deepEquals(shown(room), entries)).catch(() => expect(shown(room)).toEqual(entries));
const membersOf = (room: Room) =>
  room.members.snapshot().items.map(({ username, role }) => `${username} ${role}`);

test("a room is created once, whatever happens to the request and its response", async () => {
  const { chat, proxy } = guest(home.ada);
  let responses = 0;
  proxy.down = (text) => (text.startsWith("HTTP/1.1 201") && ++responses === 1 ? "cut" : "pass");
  const clientId = crypto.randomUUID();
  const room = (await chat.create({ title: "Tea", people: ["@ben"], clientId })).join();
  expect(responses).toBe(1);
  await live(room);
  expect(room.snapshot()).toMatchObject({
    kind: "private",
    title: "Tea",
    role: "owner",
    archived: false,
    from: 1,
  });
  await shows(room, "created ada ben");
  expect(await chat.create({ title: "Tea", people: ["@ben"], clientId })).toBe(room);
  expect(await outcome(chat.create({ title: "Tea", people: ["@nobody"] }))).toBe("invalid");
  expect(await outcome(chat.create({ title: "Tea\u0000" }))).toBe("invalid");
  const given = new AbortController();
  proxy.refuse = true;
  proxy.cut();
  const waiting = outcome(chat.create({ signal: given.signal }));
  given.abort(new Error("never mind"));
  expect(await waiting).toBe("Error: never mind");
});

test("two people share one direct room, and nobody leaves it", async () => {
  const [{ chat: ada }, { chat: ben }] = [guest(home.ada), guest(home.ben)];
  const [one, other] = (await Promise.all([ada.direct(["@ben"]), ben.direct(["@ada"])])).map((room) =>
    room.join(),
  ) as [Room, Room];
  expect(other.name).toBe(one.name);
  await one.send("Hello");
  await live(other);
  await until(() => shown(other).includes("Hello"));
  expect(other.snapshot()).toMatchObject({ kind: "direct", role: "member" });
  expect(await outcome(one.add("@cy"))).toBe("direct_room");
  expect(await outcome(ada.leaveRoom(one.name))).toBe("direct_room");
  expect(await outcome(ada.direct(["@ada"]))).toBe("invalid");
});

test("someone is added, removed and added again, and sees exactly what they may", async () => {
  const [{ chat: ada, proxy }, { chat: ben }] = [guest(home.ada), guest(home.ben)];
  const hers = (await ada.create({ title: "Plans", history: "joined" })).join();
  await hers.send("before");
  await hers.add("@ben");
  const his = ben.room(hers.name).join();
  await live(his);
  await hers.send("while in");
  await shows(his, "added ben", "while in");
  expect(his.snapshot()).toMatchObject({ more: false, from: 3 });

  // Changes wait for the connection, in their order, and are committed once.
  proxy.refuse = true;
  proxy.cut();
  const changes = [
    hers.send("last"),
    hers.remove("@ben"),
    hers.send("secret"),
    hers.update({ title: "Secret" }),
  ];
  proxy.refuse = false;
  await Promise.all(changes);
  await until(() => his.snapshot().state === "out");
  expect(his.snapshot().error?.code).toBe("removed");
  await shows(his, "added ben", "while in", "last", "removed ben");
  expect(await outcome(his.send("Let me in"))).toBe("forbidden");

  await hers.add("@ben", { role: "moderator" });
  await live(his);
  await hers.send("again");
  await shows(his, "added ben", "again");
  expect(his.snapshot()).toMatchObject({ title: "Secret", role: "moderator", error: undefined });
  // What he may not see does not hold him up.
  await hers.edit(2, "changed");
  await hers.setRole("@ben", "member");
  await until(() => his.snapshot().role === "member");
  await shows(his, "added ben", "again", "role ben");
});

test("the list of members follows the notices, and mutes and archives are refused by their codes", async () => {
  const [{ chat: ada, proxy }, { chat: ben }] = [guest(home.ada), guest(home.ben)];
  const hers = (await ada.create({ people: ["@ben"] })).join();
  const his = ben.room(hers.name).join();
  await hers.members.load();
  expect(membersOf(hers)).toEqual(["ada owner", "ben member"]);
  expect(hers.members.snapshot().more).toBe(false);
  await hers.add("@cy");
  await hers.setRole("@ben", "moderator");
  await hers.mute("@cy", { until: new Date(Date.now() + 60_000).toISOString() });
  await until(() => membersOf(hers).includes("cy member") && membersOf(hers).includes("ben moderator"));
  await until(() => hers.members.snapshot().items.some(({ mutedUntil }) => mutedUntil !== undefined));
  const told = hers.members.snapshot().items;
  const { items } = await hers.members.read();
  expect(
    told.map(({ id, role, version, mutedUntil }) => ({ id, role, version, muted: mutedUntil !== undefined })),
  ).toEqual(
    items.map(({ id, role, version, mutedUntil }) => ({
      id,
      role,
      version,
      muted: mutedUntil !== undefined,
    })),
  );
  expect((await hers.members.read({ q: "BE" })).items.map(({ username }) => username)).toEqual(["ben"]);

  await his.mute("@cy");
  expect((await hers.members.read({ q: "cy" })).items).toMatchObject([{ mutedUntil: null }]);
  expect(await outcome(his.remove("@ada"))).toBe("forbidden");
  await hers.mute("@ben");
  expect(await outcome(his.send("Hm"))).toBe("muted");
  // On another device, which has no notice of it.
  const device = guest(home.ben).chat.room(hers.name, { history: 0 }).join();
  await live(device);
  for (const room of [his, device]) await until(() => room.snapshot().mutedUntil === null);
  expect(device.snapshot()).toMatchObject({ history: "all", membersAdd: false, receipts: false });
  await hers.update({ history: "joined", membersAdd: true, receipts: true });
  const now = { history: "joined", membersAdd: true, receipts: true };
  for (const room of [his, device])
    await until(() => room.snapshot().receipts).then(() => expect(room.snapshot()).toMatchObject(now));
  await hers.unmute("@ben");
  await until(() => his.snapshot().mutedUntil === undefined);
  await hers.update({ archived: true });
  expect(await outcome(his.send("Hm"))).toBe("archived");
  await until(() => his.snapshot().archived);
  await hers.update({ archived: false });
  await his.send("Here I am");

  // The owner leaves while the connection is cut, and someone else owns the room.
  expect(await outcome(ada.leaveRoom(hers.name))).toBe("last_owner");
  proxy.cut();
  await ada.leaveRoom(hers.name, { heir: "@ben" });
  expect(hers.snapshot()).toMatchObject({ state: "out", error: { code: "left" } });
  await until(() => his.snapshot().role === "owner");
  const { body } = await api(home.server, `GET /rooms/${hers.name}/`, { token: home.ben.token });
  expect(body).toMatchObject({ role: "owner" });
});

test("the list of bans follows the notices, and is for those who may ban people", async () => {
  const [{ chat: ada }, { chat: ben, proxy }] = [guest(home.ada), guest(home.ben)];
  const hers = await ada.create({ title: "Yard", people: ["@ben", "@cy"] });
  const his = ben.room(hers.name);
  await live(his.join());
  expect(await outcome(his.bans.load())).toBe("forbidden");
  await hers.setRole("@ben", "moderator");
  await hers.ban("@cy");
  const bansOf = (room: Room) =>
    room.bans.snapshot().items.map(({ user, by }) => `${user.username} by ${by?.username}`);
  await his.bans.load();
  expect(bansOf(his)).toEqual(["cy by ada"]);
  expect(his.bans.snapshot().more).toBe(false);
  expect((await hers.bans.read({ limit: 1 })).items).toMatchObject([{ user: { username: "cy" } }]);
  await hers.unban("@cy");
  await until(() => bansOf(his).length === 0);
  await hers.add("@cy");
  await hers.ban("@cy");
  await until(() => bansOf(his).length === 1);
  // What happened while the connection was cut comes with the replay.
  proxy.refuse = true;
  proxy.cut();
  await hers.unban("@cy");
  proxy.refuse = false;
  await until(() => bansOf(his).length === 0);
});

test("links let people in, reports reach the moderators, and blocks are kept for the next visit", async () => {
  const [dan, eve] = await Promise.all([register(home.server, "dan"), register(home.server, "eve")]);
  const [{ chat: his, proxy }, { chat: hers }] = [guest(dan), guest(eve)];
  const room = (await his.create({ title: "Garden" })).join();
  let responses = 0;
  proxy.down = (text) => (text.startsWith("HTTP/1.1 201") && ++responses === 1 ? "cut" : "pass");
  const { id, token, ...link } = await room.invite({ expiresIn: 3600, maxUses: 5 });
  expect(responses).toBe(2);
  expect(link).toMatchObject({ by: { username: "dan" }, maxUses: 5, uses: 0 });
  expect((await room.invitations.read()).items.map((one) => one.id)).toEqual([id]);

  const garden = (await hers.redeem(token)).join();
  expect(garden.name).toBe(room.name);
  await live(garden);
  await shows(garden, "created dan", "joined eve");
  expect(await hers.redeem(token)).toBe(garden);
  await room.revoke(id);
  expect((await room.invitations.read()).items).toEqual([]);
  expect(await outcome(hers.redeem(token))).toBe("not_found");

  const said = await room.send("Weeds!", { data: { plant: 7 } });
  await garden.report(said.id, "Rude");
  await room.edit(said.id, "Roses!");
  expect(await outcome(garden.reports.read())).toBe("forbidden");
  const { items } = await room.reports.read();
  expect(items).toMatchObject([
    {
      reason: "Rude",
      by: { username: "eve" },
      message: { content: "Weeds!", data: { plant: 7 } },
      resolved: null,
    },
  ]);
  await room.resolve(items[0]?.id ?? "", "Edited");
  expect((await room.reports.read()).items).toEqual([]);
  expect((await room.reports.read({ all: true, limit: 1 })).items[0]?.resolved).toMatchObject({
    resolution: "Edited",
  });

  const direct = (await hers.direct(["@dan"])).join();
  await live(direct);
  await hers.blocks.add("@dan");
  const [block] = hers.blocks.snapshot().items;
  expect(block).toMatchObject({ user: { username: "dan" } });
  expect([garden, direct].map((one) => one.snapshot().folded.includes(block?.user.id ?? ""))).toEqual([
    true,
    false,
  ]);
  expect(await outcome(direct.send("Hm"))).toBe("forbidden");
  expect(await outcome(his.create({ people: ["@eve"] }))).toBe("forbidden");
  const later = guest(eve).chat;
  await later.blocks.load();
  expect(later.blocks.snapshot()).toEqual(hers.blocks.snapshot());
  await later.blocks.remove(block?.user.id ?? "");
  expect(later.blocks.snapshot().items).toEqual([]);
  await direct.send("Hello again");
});
