import { beforeAll, expect, test } from "bun:test";
import { FRAME_OUT_MAX_BYTES } from "../../src/protocol/limits.ts";
import { connect, type V1Client } from "../support/client.ts";
import { house, START_MS } from "../support/house.ts";
import type { Person } from "../support/people.ts";
import { startProvider } from "../support/provider.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { post, react } from "./commands.ts";

// Valid reactions, and their limits per message.

let server: TestServer;
let ada: Person;
let ben: Person;

beforeAll(async () => {
  ({ server, ada, ben } = await house());
}, START_MS);

const refusal = { type: "error", code: "too_many_reactions", retryable: false };
type Reactions = Record<string, { count: number; users: string[] }>;
const reactionsTo = async (socket: V1Client): Promise<Reactions> => {
  const { messages } = await socket.ask({ type: "history", limit: 1 });
  return (messages as { reactions?: Reactions }[])[0]?.reactions ?? {};
};

test.each([
  ["a face", "😀"],
  ["a flag of two letters", "🇩🇪"],
  ["a flag of a region", "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}"],
  ["a rainbow flag", "🏳️\u200d🌈"],
  ["a skin tone", "👍🏽"],
  ["a joined family", "👨\u200d👩\u200d👧\u200d👦"],
  ["a joined couple of two skin tones", "🧑🏻\u200d🤝\u200d🧑🏿"],
  ["a keycap", "#\ufe0f\u20e3"],
])("%s is a reaction: it is shown as sent and can be taken back", async (what, emoji) => {
  const socket = await connect(server, { room: `emoji-${what.replaceAll(" ", "-")}`, token: ada.token });
  await post(socket);
  expect(await socket.ask(react(1, emoji))).toMatchObject({ type: "ok", version: 2 });
  expect(await reactionsTo(socket)).toMatchObject({ [emoji]: { count: 1, users: ["ada"] } });
  expect(await socket.ask(react(1, emoji, false))).toMatchObject({ type: "ok", version: 3 });
  expect(await reactionsTo(socket)).toEqual({});
  socket.close();
});

test.each<[string, unknown]>([
  ["a word", "ok"],
  ["a letter", "a"],
  ["a digit", "1"],
  ["nothing", ""],
  ["a space", " "],
  ["two faces", "😀😀"],
  ["a face and a letter", "😀a"],
  ["a face and a space", "😀 "],
  ["half a flag", "🇩"],
  ["a flag of no country", "🇽🇽"],
  ["three halves of flags", "🇩🇪🇩"],
  ["a skin tone on a car", "🚗🏽"],
  ["a family with a joiner too many", "👨\u200d👩\u200d"],
  ["two faces joined that nobody joins", "😀\u200d🚗"],
  ["a zero-width space", "\u200b"],
  ["a zero-width joiner", "\u200d"],
  ["a variation selector", "\ufe0f"],
  ["a face and a zero-width space", "😀\u200b"],
  ["a zero-width space and a face", "\u200b😀"],
  ["a face and a byte order mark", "😀\ufeff"],
  ["a face marked from right to left", "\u202e😀"],
  ["a keycap without its digit", "\ufe0f\u20e3"],
  ["a face under a heap of marks", `😀${"\u0301".repeat(60)}`],
  ["half a surrogate pair", "\ud83d"],
  ["NUL", "\0"],
  ["a number", 1],
  ["null", null],
  ["a list", ["👍"]],
  ["__proto__", "__proto__"],
])("%s is refused as a reaction", async (_, emoji) => {
  const socket = await connect(server, { room: "no-emoji", token: ben.token });
  const reply = await socket.ask(react(1, emoji));
  expect(reply).toMatchObject({ type: "error", code: "invalid", retryable: false });
  expect(reply.message).toStartWith("emoji ");
  socket.close();
});

test("an emoji with and without its variation selector is one reaction", async () => {
  const socket = await connect(server, { room: "reactions-selectors", token: ada.token });
  const other = await connect(server, { room: "reactions-selectors", token: ben.token });
  await post(socket);
  expect(await socket.ask(react(1, "❤"))).toMatchObject({ type: "ok", version: 2 });
  expect(await socket.ask(react(1, "❤\ufe0f"))).toMatchObject({ type: "ok", version: 2 });
  expect(await other.ask(react(1, "❤\ufe0f"))).toMatchObject({ type: "ok", version: 3 });
  expect(await reactionsTo(socket)).toMatchObject({ "❤\ufe0f": { count: 2, users: ["ada", "ben"] } });
  expect(await socket.ask(react(1, "❤", false))).toMatchObject({ type: "ok", version: 4 });
  expect(await reactionsTo(socket)).toMatchObject({ "❤\ufe0f": { count: 1, users: ["ben"] } });
  for (const each of [socket, other]) each.close();
});

/** Returns `count` different emojis. */
const faces = (count: number) =>
  Array.from({ length: count }, (_, index) => String.fromCodePoint(0x1f600 + index));

test("a message has at most 20 different emojis; others may still add the ones it has", async () => {
  const socket = await connect(server, { room: "reactions-twenty", token: ada.token });
  const other = await connect(server, { room: "reactions-twenty", token: ben.token });
  await post(socket);
  const replies = await Promise.all(faces(20).map((emoji) => socket.ask(react(1, emoji))));
  expect(replies.map(({ type }) => type)).toEqual(Array(20).fill("ok"));
  for (const each of [socket, other]) expect(await each.ask(react(1, "👍"))).toMatchObject(refusal);
  expect(await other.ask(react(1, "😀"))).toMatchObject({ type: "ok", version: 22 });
  expect(await socket.ask(react(1, "😀", false))).toMatchObject({ type: "ok", version: 23 });
  expect(await other.ask(react(1, "👍"))).toMatchObject(refusal);
  expect(await other.ask(react(1, "😀", false))).toMatchObject({ type: "ok", version: 24 });
  expect(await other.ask(react(1, "👍"))).toMatchObject({ type: "ok", version: 25 });
  expect(Object.keys(await reactionsTo(socket))).toHaveLength(20);
  for (const each of [socket, other]) each.close();
});

test("a message has at most 1,000 reactions, and each emoji names at most twenty people", async () => {
  const provider = await startProvider();
  const outside = await startTestServer({ ...provider.settings, MESSAGE_RATE: "0", BUDGETS: "0" });
  const people = await Promise.all(
    Array.from({ length: 51 }, async (_, index) => {
      const token = await provider.tokenOf(`person-${String(index).padStart(2, "0")}`);
      return connect(outside, { room: "thousand", token });
    }),
  );
  const last = people.pop() as V1Client;
  const first = people[0] as V1Client;
  await post(first);
  for (const person of people) {
    const replies = await Promise.all(faces(20).map((emoji) => person.ask(react(1, emoji))));
    expect(replies.every(({ type }) => type === "ok")).toBe(true);
  }
  expect(await last.ask(react(1, "😀"))).toMatchObject(refusal);
  const reactions = await reactionsTo(first);
  expect(Object.values(reactions).map(({ count }) => count)).toEqual(Array(20).fill(50));
  expect(Object.values(reactions).every(({ users }) => new Set(users).size === 20)).toBe(true);
  // A live frame shows the same as a page.
  expect(await first.ask(react(1, "😀", false))).toMatchObject({ type: "ok", version: 1002 });
  const live = () => first.frames.find(({ type, version }) => type === "message" && version === 1002);
  await until(() => live() !== undefined);
  expect(live()).toMatchObject({ version: 1002, reactions: await reactionsTo(first) });
  expect(await last.ask(react(1, "😀"))).toMatchObject({ type: "ok", version: 1003 });
  for (const each of [...people, last]) each.close();
  await outside.stop();
  await provider.stop();
}, 60_000);

test("the largest possible message fits in a frame, and history pages past it", async () => {
  const provider = await startProvider();
  const settings = { ...provider.settings, MESSAGE_RATE: "0", BUDGETS: "0", MESSAGE_MAX_CHARS: "10000" };
  const outside = await startTestServer(settings);
  // The longest text, of characters that take six bytes each, and 20 × 20 people with the longest names and ids.
  const people = await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      const last = String.fromCodePoint(0x20100 + index);
      const claims = { sub: "\u0001".repeat(254) + last, name: "𠀀".repeat(63) + last };
      const token = await provider.tokenOf("𠀀".repeat(31) + last, claims);
      return connect(outside, { room: "largest", token });
    }),
  );
  const first = people[0] as V1Client;
  for (const content of Array(3).fill("\u0001".repeat(9_999) + "x")) await post(first, content);
  for (const person of people) await Promise.all(faces(20).map((emoji) => person.ask(react(2, emoji))));
  const reader = await connect(outside, { token: await provider.tokenOf("ada") });
  for (const [query, pages] of [
    [{ before: 4 }, [[3], [2], [1]]],
    [{ after: 0 }, [[1], [2], [3]]],
  ] as const) {
    const read: number[][] = [];
    for (let next: object = query; read.length < 4;) {
      const page = await reader.ask({ type: "history", room: "largest", ...next });
      expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThan(FRAME_OUT_MAX_BYTES);
      const { messages, more } = page;
      const ids = (messages as { id: number }[]).map(({ id }) => id);
      read.push(ids);
      if (!more) break;
      next = "before" in query ? { before: ids[0] } : { after: ids.at(-1) };
    }
    expect(read).toEqual(pages.map((page) => [...page]));
  }
  const live = first.frames.filter(({ id, version }) => id === 2 && version === 403);
  expect(live).toHaveLength(1);
  expect(Buffer.byteLength(JSON.stringify(live[0]))).toBeWithin(110_000, FRAME_OUT_MAX_BYTES);
  for (const each of [...people, reader]) each.close();
  await outside.stop();
  await provider.stop();
}, 60_000);
