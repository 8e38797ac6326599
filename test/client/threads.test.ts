import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Chat, createChat, type Thread } from "../../src/client/index.ts";
import { api } from "../support/api.ts";
import { house, START_MS } from "../support/house.ts";
import type { Person } from "../support/people.ts";
import type { TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

// Threads in the client, with a real server.

let server: TestServer;
let ada: Person;
let ben: Person;
const chats: Chat[] = [];

beforeAll(async () => {
  ({ server, ada, ben } = await house());
}, START_MS);
afterAll(() => Promise.all(chats.map((chat) => chat.close())));

const chatOf = ({ token }: Person): Chat => {
  const chat = createChat({ url: server.url, tokens: async () => token });
  chats.push(chat);
  return chat;
};
const post = async (room: string, { token }: Person, content: string, thread?: number): Promise<number> => {
  const { body } = await api(server, `POST /rooms/${room}/messages/`, { token, body: { content, thread } });
  return (body as { id: number }).id;
};
const texts = (thread: Thread) => thread.snapshot().messages.map(({ content }) => content);

test("a thread is a store like a room: its messages, sending, and what others reply", async () => {
  const room = chatOf(ada).room("client-threads");
  const { id: root } = await room.send("root");
  const thread = room.thread(root);
  expect(room.thread(root)).toBe(thread);
  expect(thread.snapshot()).toMatchObject({ state: "idle", messages: [], root: undefined });
  const off = thread.subscribe(() => {});
  await until(() => thread.snapshot().state === "live");
  expect(thread.snapshot()).toMatchObject({ root: { content: "root" }, more: false, following: false });
  await thread.send("mine");
  await post("client-threads", ben, "theirs", root);
  await until(() => texts(thread).length === 3);
  expect(texts(thread)).toEqual(["root", "mine", "theirs"]);
  expect(thread.snapshot()).toMatchObject({ waiting: [], unread: 1 });
  await thread.edit(root, "the root");
  await until(() => thread.snapshot().root?.content === "the root");
  off();
});

test("the first message shows how many replies there are, live and after a reload", async () => {
  const room = chatOf(ada).room("client-summaries");
  const off = room.subscribe(() => {});
  const { id: root } = await room.send("root");
  const replies = () => room.snapshot().messages.find(({ id }) => id === root)?.replies;
  const first = await post("client-summaries", ben, "one", root);
  await until(() => replies()?.count === 1);
  expect(replies()).toMatchObject({ last: { id: first }, people: [{ username: "ben" }] });
  await room.react(root, "👍");
  await room.send("two", { thread: root });
  await until(() => replies()?.count === 2);
  expect(replies()).toMatchObject({ people: [{ username: "ada" }, { username: "ben" }] });
  // Replies in the thread alone are not unread in the room.
  expect(room.snapshot().unread).toBe(0);
  const later = chatOf(ada).room("client-summaries");
  const end = later.subscribe(() => {});
  await until(() => later.snapshot().messages.some((message) => message.replies?.count === 2));
  off();
  end();
});

test("reading a thread clears it in the list of unread threads, on the person's other devices too", async () => {
  const [desk, phone] = [chatOf(ada), chatOf(ada)];
  const room = desk.room("client-badges");
  const { id: root } = await room.send("root");
  const mine = (chat: Chat) => chat.threads.snapshot().items.filter((one) => one.room === "client-badges");
  const offs = [desk, phone].map((chat) => chat.threads.subscribe(() => {}));
  phone.connect();
  const reply = await post("client-badges", ben, "one", root);
  await until(() => mine(desk).length === 1);
  expect(mine(desk)).toMatchObject([{ root: { id: root, content: "root" }, unread: 1, following: true }]);
  // The phone is not in the room: the list has it when it is loaded.
  await phone.threads.load();
  const thread = room.thread(root);
  offs.push(thread.subscribe(() => {}));
  await until(() => thread.snapshot().unread === 1);
  await thread.read(reply);
  expect(thread.snapshot()).toMatchObject({ unread: 0, lastRead: reply });
  await thread.read(root);
  expect(thread.snapshot().lastRead).toBe(reply);
  await until(() => mine(desk).length === 0 && mine(phone).length === 0);
  await thread.follow(false);
  expect(thread.snapshot().following).toBe(false);
  for (const off of offs) off();
});

test("a long thread is loaded page by page, and its first message comes with the beginning", async () => {
  const room = chatOf(ada).room("client-long");
  const { id: root } = await room.send("root");
  for (let count = 1; count <= 60; count++) await post("client-long", ben, `reply ${count}`, root);
  const thread = room.thread(root);
  const off = thread.subscribe(() => {});
  await until(() => thread.snapshot().messages.length > 0);
  expect(thread.snapshot()).toMatchObject({ more: true, root: { content: "root" } });
  expect(texts(thread)).toHaveLength(50);
  await thread.older();
  expect(thread.snapshot().more).toBe(false);
  expect(texts(thread).slice(0, 2)).toEqual(["root", "reply 1"]);
  expect(texts(thread)).toHaveLength(61);
  const page = await thread.history({ around: root + 30, limit: 4 });
  expect(page.messages.map(({ id }) => id)).toEqual([root + 28, root + 29, root + 30, root + 31]);
  off();
});

test("a thread that cannot be loaded says why", async () => {
  const room = chatOf(ada).room("client-missing");
  await room.send("root");
  const thread = room.thread(99);
  const off = thread.subscribe(() => {});
  await until(() => thread.snapshot().state === "out");
  expect(thread.snapshot().error).toMatchObject({ code: "not_found" });
  off();
});
