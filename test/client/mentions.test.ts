import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Chat, createChat } from "../../src/client/index.ts";
import { house, START_MS } from "../support/house.ts";
import type { Person } from "../support/people.ts";
import type { TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

// Mentions in the client, with a real server.

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

test("a message mentions people, and its ack names those whom it does not reach", async () => {
  const [mine, theirs] = [chatOf(ada), chatOf(ben)];
  const created = await mine.create({ people: ["@ben"] });
  const room = theirs.room(created.name);
  const off = room.subscribe(() => {});
  const { id, unreached } = await created.send("@ben @cy", { mentions: ["@ben", "@cy"], everyone: true });
  expect(unreached).toEqual(["@cy"]);
  const there = () => room.snapshot().messages.find((message) => message.id === id);
  await until(() => there()?.mentions?.length === 1);
  expect(there()).toMatchObject({ mentions: [{ username: "ben" }], everyone: true });
  await created.edit(id, "nobody", { mentions: [], everyone: false });
  await until(() => there()?.content === "nobody");
  expect(there()?.mentions).toBeUndefined();
  off();
});

test("the inbox and the list of rooms follow what mentions a person and what they have read", async () => {
  const [mine, theirs] = [chatOf(ada), chatOf(ben)];
  const created = await mine.create({ people: ["@ben"] });
  const offs = [theirs.mentions.subscribe(() => {}), theirs.rooms().subscribe(() => {})];
  const here = () => theirs.mentions.snapshot().items.filter(({ room }) => room === created.name);
  const count = () =>
    theirs
      .rooms()
      .snapshot()
      .items.find(({ room }) => room === created.name)?.mentions;
  await until(() => count() === 0);
  const { id } = await created.send("@ben, look", { mentions: ["@ben"] });
  await until(() => here().length === 1 && count() === 1);
  expect(here()).toMatchObject([{ kind: "private", unread: true, message: { id, content: "@ben, look" } }]);
  const room = theirs.room(created.name);
  offs.push(room.subscribe(() => {}));
  await until(() => room.snapshot().state === "live");
  await room.read(id);
  await until(() => count() === 0);
  await created.delete(id);
  await until(() => here().length === 0);
  for (const off of offs) off();
});
