import assert from "node:assert/strict";
import { away, type Behaviour, cut, first, isAck, isType, same, sent } from "./behaviour.ts";
import { until } from "./driver.ts";

export const rooms: readonly Behaviour[] = [
  {
    title:
      "Anyone who is removed gets the error `removed` and keeps what they have seen; added again, they are back.",
    async run(scene) {
      await scene.privateRoom();
      const { room } = scene;
      const driver = await scene.enter();
      await scene.post("together");
      await until(async () => (await driver.call("events", { room })).seen.includes(2));
      await scene.as(`DELETE /rooms/${room}/members/@${scene.me}/`);
      await driver.until(room, { room: "out", roomError: "removed" });
      await scene.post("without her");
      const shown = await driver.call("entries", { room });
      assert.deepEqual(
        shown.map(({ content, notice }) => content ?? notice),
        ["created", "together", "removed"],
      );
      await scene.as(`PUT /rooms/${room}/members/@${scene.me}/`, {});
      await driver.until(room, { room: "live", roomError: null });
      await same(scene, driver);
    },
  },
  {
    title: "Anyone who is removed during a cut learns it afterwards.",
    async run(scene) {
      await scene.privateRoom();
      const { room } = scene;
      const driver = await scene.enter();
      await away(scene, driver, () => scene.as(`DELETE /rooms/${room}/members/@${scene.me}/`));
      await until(async () => (await driver.call("state", { room })).room === "out");
      assert.equal((await driver.call("state", { room })).connection, "open");
    },
  },
  {
    title:
      "Anyone who may only see what came after they were added is shown nothing from before, nor keeps it.",
    async run(scene) {
      await scene.privateRoom({ history: "joined", people: [] });
      const { room } = scene;
      await scene.posts(3, "before");
      await scene.as(`PUT /rooms/${room}/members/@${scene.me}/`, {});
      await scene.posts(2, "after");
      const driver = await scene.enter();
      await until(async () => !(await driver.call("state", { room })).more);
      await scene.as(`PATCH /rooms/${room}/messages/2/`, { content: "edited" });
      await scene.post("later");
      await until(async () => (await driver.call("entries", { room })).at(-1)?.content === "later");
      await same(scene, driver);
      const shown = await driver.call("entries", { room });
      assert.deepEqual(
        shown.map(({ content, notice }) => content ?? notice),
        ["added", "after 1", "after 2", "later"],
      );
      await scene.as(`DELETE /rooms/${room}/members/@${scene.me}/`);
      await driver.until(room, { room: "out", roomError: "removed" });
      await scene.as(`PUT /rooms/${room}/members/@${scene.me}/`, {});
      await same(scene, driver);
      assert.equal((await driver.call("entries", { room })).length, 1);
    },
  },
  {
    title: "Anyone who leaves for good elsewhere gets the error `left`, and is not joined again.",
    async run(scene) {
      const { room } = scene;
      const driver = await scene.enter();
      const joins = sent(scene, "join").length;
      await scene.as(`DELETE /rooms/${room}/members/me/`, undefined, scene.me);
      await driver.until(room, { room: "out", roomError: "left" });
      await away(scene, driver, async () => {});
      await driver.until(room, { connection: "open", room: "out" });
      assert.equal(sent(scene, "join").length, joins);
      const { body } = await scene.as(`GET /rooms/${room}/`, undefined, scene.me);
      assert.equal((body as { role: string | null }).role, null);
    },
  },
  {
    title:
      "A room that the person may not enter is refused with the server's code, and others are not affected.",
    async run(scene) {
      const { room } = scene;
      const { body } = await scene.as("POST /rooms/", { title: "Secret" });
      const secret = (body as { room: string }).room;
      const driver = await scene.enter();
      await driver.call("join", { room: secret });
      await driver.until(secret, { room: "out", roomError: "not_found", connection: "open" });
      await driver.call("send", { room, content: "Hello" });
      await same(scene, driver);
    },
  },
  {
    title: "Unread messages of others are counted, and the read mark follows the person's other devices.",
    async run(scene) {
      const { room } = scene;
      await scene.post("from before");
      const driver = await scene.enter();
      await scene.posts(3);
      await driver.call("send", { room, content: "mine" });
      await driver.until(room, { lastRead: 1, unread: 3 });
      const device = await scene.open();
      await device.call("join", { room });
      await device.until(room, { room: "live", lastRead: 1, unread: 3 });
      await device.call("read", { room, id: 3 });
      await driver.until(room, { lastRead: 3, unread: 1 });
      await device.call("read", { room, id: 2 });
      await device.until(room, { lastRead: 3, unread: 1 });
      await away(scene, driver, () => scene.post("meanwhile"));
      await driver.until(room, { room: "live", lastRead: 3, unread: 2 });
    },
  },
  {
    title: "A reply in a thread keeps its thread.",
    async run(scene) {
      const { room } = scene;
      const root = await scene.post("Where do we meet?");
      const driver = await scene.enter();
      scene.gateway.up = first(1, isType("send"), cut);
      scene.gateway.down = first(1, isAck, cut);
      await driver.call("send", { room, content: "At the lake", thread: root });
      assert.equal((await scene.truth()).at(-1)?.thread, root);
      await driver.call("read", { room, id: root });
      await scene.post("Or in town", { thread: root });
      await scene.post("Bring a boat");
      await driver.until(room, { lastRead: root, unread: 1 });
      await same(scene, driver);
    },
  },
  {
    title: "A message that was cut off keeps whom it mentions.",
    async run(scene) {
      const { room } = scene;
      await scene.post("Who helps?");
      const driver = await scene.enter();
      scene.gateway.up = first(1, isType("send"), cut);
      scene.gateway.down = first(1, isAck, cut);
      await driver.call("send", { room, content: "Ben does", mentions: [`@${scene.other}`] });
      assert.deepEqual((await scene.truth()).at(-1)?.mentions, [scene.other]);
      await same(scene, driver);
    },
  },
  {
    title: "What mentions the person is in their list of mentions, also if it was posted during a cut.",
    async run(scene) {
      const { room } = scene;
      const driver = await scene.enter();
      await driver.call("send", { room, content: "Here I am" });
      const mention = (content: string) => scene.post(content, { mentions: [`@${scene.me}`] });
      const live = await mention("Look");
      let missed = 0;
      await away(scene, driver, async () => (missed = await mention("And this")));
      await driver.until(room, { room: "live" });
      const { items } = await driver.call("mentions", {});
      assert.deepEqual(items, [
        { room, id: missed },
        { room, id: live },
      ]);
      await same(scene, driver);
    },
  },
  {
    title: "A pin whose response was lost is made once.",
    async run(scene) {
      await scene.as("GET /rooms/"); // The server knows nobody who was never there.
      const { body } = await scene.as("POST /rooms/", { people: [`@${scene.other}`] }, scene.me);
      scene.room = (body as { room: string }).room;
      const { room } = scene;
      const driver = await scene.enter();
      const id = await scene.post("The key is under the mat");
      let requests = 0;
      scene.proxy.up = (text) => {
        if (/^PUT \/rooms\/[^ ]+\/pins\//.test(text)) requests++;
        return "pass";
      };
      let isCut = false;
      scene.proxy.down = (text) => {
        if (isCut || requests === 0 || !text.startsWith("HTTP/1.1 ")) return "pass";
        isCut = true;
        return "cut";
      };
      await driver.call("pin", { room, id, on: true });
      assert.equal(requests, 2);
      assert.deepEqual(await driver.call("pins", { room }), { ids: [id] });
      assert.equal((await scene.truth()).filter(({ notice }) => notice === "pinned").length, 1);
      await same(scene, driver);
    },
  },
  {
    title: "The list of rooms shows new messages of rooms that the client has not joined, also after a cut.",
    async run(scene) {
      const { room } = scene;
      await scene.as(`POST /rooms/${room}/messages/`, { content: "mine" }, scene.me);
      // That the room is new in the list must not be what makes the client read it again.
      scene.gateway.down = (frame) => (frame.type === "rooms" ? [] : [frame]);
      const driver = await scene.open();
      const last = async () => {
        const { live, items } = await driver.call("rooms", {});
        const item = items.find((one) => one.room === room);
        return live && item ? [item.last, item.unread] : undefined;
      };
      const shows = (content: string, unread: number) =>
        until(async () => JSON.stringify(await last()) === JSON.stringify([content, unread]), 15_000);
      await shows("mine", 0);
      await scene.post("live");
      await shows("live", 1);
      await away(scene, driver, () => scene.post("missed"));
      await shows("missed", 2);
      assert.equal(sent(scene, "join").length, 0);
    },
  },
];
