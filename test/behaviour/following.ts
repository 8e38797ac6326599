import assert from "node:assert/strict";
import { away, type Behaviour, first, isType, same, sent } from "./behaviour.ts";
import { until } from "./driver.ts";
import type { Frame } from "./gateway.ts";

/** Ascending versions, each once. */
const ascending = (versions: readonly number[]) =>
  versions.every((version, at) => at === 0 || version > (versions[at - 1] as number));

export const following: readonly Behaviour[] = [
  {
    title: "A room begins with its newest messages, and the pages before them lead back to its first.",
    async run(scene) {
      await scene.posts(130);
      const driver = await scene.enter();
      const { room } = scene;
      await until(async () => (await driver.call("entries", { room })).length > 0);
      const shown = await driver.call("entries", { room });
      assert.ok(shown.length < 130);
      assert.equal(shown.at(-1)?.id, 130);
      for (let pages = 0; (await driver.call("state", { room })).more; pages++) {
        assert.ok(pages < 10, "the pages do not end");
        await driver.call("older", { room, limit: 40 });
      }
      await same(scene, driver);
    },
  },
  {
    title: "A page of history can be read beside what the client shows, in both directions.",
    async run(scene) {
      await scene.posts(12);
      const driver = await scene.enter();
      const { room } = scene;
      const page = (query: { before?: number; after?: number }) =>
        driver.call("history", { room, limit: 3, ...query });
      assert.deepEqual(await page({}), { ids: [10, 11, 12], more: true });
      assert.deepEqual(await page({ before: 3 }), { ids: [1, 2], more: false });
      assert.deepEqual(await page({ after: 9 }), { ids: [10, 11, 12], more: false });
      assert.deepEqual(await page({ after: 0 }), { ids: [1, 2, 3], more: true });
    },
  },
  {
    title: "What was posted during a cut arrives afterwards, in order and once.",
    async run(scene) {
      const driver = await scene.enter();
      const { room } = scene;
      await scene.posts(3, "before");
      await until(async () => (await driver.call("entries", { room })).length === 3);
      for (let n = 1; n <= 3; n++) await away(scene, driver, () => scene.posts(5, `during ${n}`));
      await same(scene, driver);
      const { seen } = await driver.call("events", { room });
      assert.deepEqual(
        seen,
        Array.from({ length: 18 }, (_, n) => n + 1),
      );
      assert.ok(
        sent(scene, "join")
          .slice(1)
          .every(({ frame }) => typeof frame.since === "string"),
      );
    },
  },
  {
    title: "An edit, a deletion and a reaction during a cut arrive afterwards.",
    async run(scene) {
      const driver = await scene.enter();
      const { room } = scene;
      await scene.posts(3);
      await until(async () => (await driver.call("entries", { room })).length === 3);
      await away(scene, driver, async () => {
        await scene.as(`PATCH /rooms/${room}/messages/1/`, { content: "edited" });
        await scene.as(`DELETE /rooms/${room}/messages/2/`);
        await scene.as(`PUT /rooms/${room}/messages/3/reactions/%F0%9F%8E%89/`);
      });
      await until(async () => (await driver.call("entries", { room })).at(-1)?.version === 6);
      await same(scene, driver);
    },
  },
  {
    title: "A replay that is cut goes on from where it ended, without repeating anything.",
    async run(scene) {
      const driver = await scene.enter();
      const { room } = scene;
      await scene.post("before");
      await until(async () => (await driver.call("entries", { room })).length === 1);
      let replayed = 0;
      scene.gateway.down = (frame) => (frame.replay && ++replayed % 7 === 0 ? "cut" : [frame]);
      await away(scene, driver, () => scene.posts(20));
      await same(scene, driver);
      const { seen } = await driver.call("events", { room });
      assert.deepEqual(
        seen,
        Array.from({ length: 21 }, (_, n) => n + 1),
      );
      // The 20 messages, and the three that were lost with a connection once more.
      assert.equal(replayed, 23);
    },
  },
  {
    title: "A gap in live messages is noticed by `prev` and repaired by a new join.",
    async run(scene) {
      const driver = await scene.enter();
      const { room } = scene;
      await scene.post("one");
      await until(async () => (await driver.call("entries", { room })).length === 1);
      scene.gateway.down = first(1, isType("message"), () => []);
      await scene.post("lost");
      await scene.post("three");
      await until(async () => (await driver.call("entries", { room })).length === 3);
      await same(scene, driver);
      assert.equal(scene.gateway.opened.length, 1);
      assert.deepEqual((await driver.call("events", { room })).seen, [1, 2, 3]);
    },
  },
  {
    title: "A message that arrives twice is shown once.",
    async run(scene) {
      const driver = await scene.enter();
      const { room } = scene;
      const joins = sent(scene, "join").length;
      scene.gateway.down = (frame) => (frame.type === "message" ? [frame, frame] : [frame]);
      await scene.posts(3);
      await until(async () => (await driver.call("entries", { room })).length === 3);
      await same(scene, driver);
      assert.deepEqual((await driver.call("events", { room })).seen, [1, 2, 3]);
      assert.equal(sent(scene, "join").length, joins);
    },
  },
  {
    title: "A page of history that is older than a live change does not undo it.",
    async run(scene) {
      await scene.posts(60);
      const driver = await scene.enter();
      const { room } = scene;
      await until(async () => (await driver.call("entries", { room })).length > 0);
      let page: Frame | undefined;
      scene.gateway.down = first(
        1,
        ({ messages }) => Array.isArray(messages),
        (frame) => {
          page = frame;
          return [];
        },
      );
      const older = driver.call("older", { room, limit: 100 });
      await until(() => page !== undefined);
      await scene.as(`PATCH /rooms/${room}/messages/1/`, { content: "edited" });
      await until(async () => (await driver.call("events", { room })).seen.includes(61));
      scene.gateway.say(page as Frame);
      await older;
      await same(scene, driver);
    },
  },
  {
    title: "A slow reader lags, and catches up without missing anything.",
    async run(scene) {
      scene.proxy.target = scene.server.port;
      const driver = await scene.enter();
      const { room } = scene;
      let lagged = false;
      scene.proxy.down = (text) => {
        lagged ||= text.includes('"type":"lagging"');
        return "pass";
      };
      await scene.post("before");
      await until(async () => (await driver.call("entries", { room })).length === 1);
      scene.proxy.pause(true);
      const text = "あ".repeat(4_000);
      for (let n = 0; n < 15; n++) await Promise.all(Array.from({ length: 40 }, () => scene.post(text)));
      scene.proxy.pause(false);
      await until(async () => (await driver.call("entries", { room })).at(-1)?.id === 601, 30_000);
      await driver.until(room, { room: "live" });
      assert.ok(lagged);
      assert.equal(scene.proxy.total, 1);
      assert.deepEqual(
        (await driver.call("events", { room })).seen,
        Array.from({ length: 601 }, (_, n) => n + 1),
      );
      await same(scene, driver);
    },
  },
  {
    title: "If the epoch has changed, the client drops what it has of the room and loads it again.",
    async run(scene) {
      const { room, house } = scene;
      const other = house.strict;
      const driver = await scene.enter();
      await scene.posts(3, "of the first database");
      await until(async () => (await driver.call("entries", { room })).length === 3);
      await away(scene, driver, async () => {
        scene.server = other;
        await scene.posts(2, "of the second database");
        scene.proxy.target = other.port;
        const stale = driver.call("edit", { room, id: 1, content: "to another message" });
        void stale.catch(() => {});
      });
      await driver.until(room, { room: "live", waiting: 0 });
      await same(scene, driver);
      assert.deepEqual(
        (await scene.truth()).map(({ content }) => content),
        ["of the second database 1", "of the second database 2"],
      );
      const ack = await driver.call("send", { room, content: "new" });
      assert.equal(ack.id, 3);
      await same(scene, driver);
    },
  },
  {
    title:
      "If the server cannot resume, the client drops what it has of the room and loads it again, without a gap.",
    async run(scene) {
      const { room } = scene;
      const driver = await scene.enter();
      await scene.posts(5, "before");
      await until(async () => (await driver.call("entries", { room })).length === 5);
      scene.gateway.up = ({ since: _, ...frame }) => [frame];
      await away(scene, driver, () => scene.posts(130, "missed"));
      await driver.until(room, { room: "live" });
      await until(async () => (await driver.call("entries", { room })).at(-1)?.id === 135);
      const ids = (await driver.call("entries", { room })).map(({ id }) => id);
      assert.deepEqual(
        ids,
        ids.map((_, at) => 136 - ids.length + at),
      );
      while ((await driver.call("state", { room })).more) await driver.call("older", { room, limit: 100 });
      await same(scene, driver);
    },
  },
  {
    title: "If the server starts a room anew by itself, the client does so too.",
    async run(scene) {
      const { room, gateway } = scene;
      const driver = await scene.enter();
      await scene.posts(3, "before");
      await until(async () => (await driver.call("entries", { room })).length === 3);
      gateway.down = (frame) => (frame.room === room ? [] : [frame]);
      await scene.posts(100, "missed");
      await until(() => gateway.frames.some(({ frame }) => frame.room === room && frame.version === 103));
      gateway.down = (frame) => [frame];
      const joined = gateway.frames.find(({ frame }) => frame.type === "joined")?.frame;
      gateway.say({ ...joined, version: 103, resumed: false });
      gateway.say({ type: "synced", room, version: 103 });
      await scene.post("after");
      await until(async () => (await driver.call("entries", { room })).at(-1)?.id === 104);
      while ((await driver.call("state", { room })).more) await driver.call("older", { room, limit: 100 });
      await same(scene, driver);
      assert.equal(sent(scene, "join").length, 1);
    },
  },
  {
    title: "A join that is refused for a moment is tried again, no earlier than the server says.",
    async run(scene) {
      const refusal = { type: "error", code: "busy", message: "Busy.", retryable: true, retryAfterMs: 700 };
      scene.gateway.up = first(1, isType("join"), ({ ref }) => {
        scene.gateway.say({ ...refusal, ref });
        return [];
      });
      const driver = await scene.enter();
      const [one, two] = sent(scene, "join");
      assert.ok(one && two && two.at - one.at > 695, "the client joined again too early");
      await same(scene, driver);
    },
  },
  {
    title: "A page of history whose reply was lost is asked for again.",
    async run(scene) {
      await scene.posts(80);
      const driver = await scene.enter();
      const { room } = scene;
      await until(async () => (await driver.call("entries", { room })).length > 0);
      scene.gateway.down = first(
        1,
        ({ messages }) => Array.isArray(messages),
        () => "cut",
      );
      await driver.call("older", { room, limit: 100 });
      assert.ok(scene.gateway.opened.length > 1);
      await same(scene, driver);
    },
  },
  {
    title: "Unknown types of frames and unknown fields are ignored.",
    async run(scene) {
      const { room } = scene;
      scene.gateway.down = (frame) => [
        { type: "aurora", room, version: 99, colours: ["green"] },
        { ...frame, weather: { wind: 3 }, "": null },
        { type: "aurora" },
      ];
      const driver = await scene.enter();
      await driver.call("send", { room, content: "one" });
      await scene.post("two");
      await until(async () => (await driver.call("entries", { room })).length === 2);
      await same(scene, driver);
      assert.equal(scene.gateway.opened.length, 1);
    },
  },
  {
    title: "A notice of an unknown type keeps its place, and what follows it is taken in.",
    async run(scene) {
      await scene.privateRoom();
      const { room } = scene;
      const driver = await scene.enter();
      const joins = sent(scene, "join").length;
      scene.gateway.down = (frame) =>
        frame.type === "notice"
          ? [{ ...frame, notice: { type: "sails_set", users: [], knots: 7 } }]
          : [frame];
      await scene.as(`PATCH /rooms/${room}/`, { topic: "When?" });
      await scene.post("on Sunday");
      await until(async () => (await driver.call("events", { room })).seen.includes(3));
      assert.equal(sent(scene, "join").length, joins);
      await away(scene, driver, async () => {
        await scene.as(`PATCH /rooms/${room}/`, { topic: "Where?" });
        await scene.post("at nine");
      });
      await until(async () => (await driver.call("events", { room })).seen.includes(5));
      await driver.until(room, { room: "live" });
      const shown = await driver.call("entries", { room });
      assert.deepEqual(
        shown.filter(({ notice }) => notice === undefined).map(({ id, content }) => [id, content]),
        [
          [3, "on Sunday"],
          [5, "at nine"],
        ],
      );
      assert.ok(ascending((await driver.call("events", { room })).seen));
    },
  },
];
