import assert from "node:assert/strict";
import { away, type Behaviour, cut, first, isAck, isType, outcome, same, sent } from "./behaviour.ts";
import { until } from "./driver.ts";

const say = (content: string) => ({ content });

export const sending: readonly Behaviour[] = [
  {
    title: "An acknowledged message is stored under the id that the ack names.",
    async run(scene) {
      const driver = await scene.enter();
      await scene.post("before");
      const data = { order: "A-1042", lines: [1, 2.5, null] };
      const ack = await driver.call("send", { room: scene.room, content: "Ahoj ✨ <b>", data, replyTo: 1 });
      assert.deepEqual(ack, { id: 2, version: 2, duplicate: false });
      const [, stored] = await scene.truth();
      assert.deepEqual(
        { id: stored?.id, content: stored?.content, data: stored?.data, replyTo: stored?.replyTo },
        { id: 2, content: "Ahoj ✨ <b>", data, replyTo: 1 },
      );
      await same(scene, driver);
    },
  },
  {
    title: "A message that was cut off before the server had it is sent again, and arrives once.",
    async run(scene) {
      const driver = await scene.enter();
      const rule = first(2, isType("send"), cut);
      scene.gateway.up = rule;
      const ack = await driver.call("send", { room: scene.room, ...say("Hello") });
      assert.ok(rule.met());
      assert.deepEqual(ack, { id: 1, version: 1, duplicate: false });
      await same(scene, driver);
    },
  },
  {
    title: "A message whose ack was lost is sent again under the same clientId, and is in the room once.",
    async run(scene) {
      const driver = await scene.enter();
      scene.gateway.down = first(1, isAck, cut);
      const ack = await driver.call("send", { room: scene.room, ...say("Hello") });
      assert.deepEqual(ack, { id: 1, version: 1, duplicate: true });
      const [one, two] = sent(scene, "send");
      assert.equal(one?.frame.clientId, two?.frame.clientId);
      assert.equal((await scene.truth()).length, 1);
      await same(scene, driver);
    },
  },
  {
    title: "A message that the program sends twice under one clientId is in the room once.",
    async run(scene) {
      const driver = await scene.enter();
      const clientId = crypto.randomUUID();
      const one = await driver.call("send", { room: scene.room, ...say("Hello"), clientId });
      const two = await driver.call("send", { room: scene.room, ...say("Hello"), clientId });
      assert.deepEqual(two, { ...one, duplicate: true });
      await same(scene, driver);
    },
  },
  {
    title: "An edit, a reaction and a deletion whose acks were lost are applied once.",
    async run(scene) {
      const driver = await scene.enter();
      const { room } = scene;
      for (const content of ["one", "two", "three"]) await driver.call("send", { room, content });
      const lose = () =>
        (scene.gateway.down = first(1, (frame) => frame.type === "ok" && "id" in frame, cut));
      lose();
      const edited = await driver.call("edit", { room, id: 1, content: "One" });
      lose();
      const reacted = await driver.call("react", { room, id: 2, emoji: "👍", on: true });
      lose();
      const deleted = await driver.call("delete", { room, id: 3 });
      assert.deepEqual(edited, { id: 1, version: 4, duplicate: true });
      assert.deepEqual(reacted, { id: 2, version: 5, duplicate: true });
      assert.deepEqual(deleted, { id: 3, version: 6, duplicate: true });
      await same(scene, driver);
    },
  },
  {
    title: "A person's messages are in a room in the order of the calls, across cuts.",
    async run(scene) {
      const driver = await scene.enter();
      const contents = Array.from({ length: 30 }, (_, n) => `message ${n + 1}`);
      let acks = 0;
      scene.gateway.down = (frame) => (isAck(frame) && ++acks % 8 === 0 ? "cut" : [frame]);
      const ids = await Promise.all(
        contents.map(async (content) => (await driver.call("send", { room: scene.room, content })).id),
      );
      assert.ok(scene.gateway.opened.length > 3);
      assert.deepEqual(
        ids,
        contents.map((_, n) => n + 1),
      );
      assert.deepEqual(
        (await scene.truth()).map(({ content }) => content),
        contents,
      );
      await same(scene, driver);
    },
  },
  {
    title: "A message that is refused for a moment is not overtaken by the next one.",
    async run(scene) {
      const driver = await scene.enter();
      const { room } = scene;
      const refusal = { type: "error", code: "busy", message: "Busy.", retryable: true, retryAfterMs: 300 };
      scene.gateway.up = first(1, isType("send"), ({ ref }) => {
        scene.gateway.say({ ...refusal, ref });
        return [];
      });
      const contents = ["one", "two", "three"];
      await Promise.all(contents.map((content) => driver.call("send", { room, content })));
      assert.deepEqual(
        (await scene.truth()).map(({ content }) => content),
        contents,
      );
    },
  },
  {
    title: "A refused message fails with the server's code, and does not hold up later ones.",
    async run(scene) {
      const driver = await scene.enter();
      const { room } = scene;
      await scene.post("somebody else's");
      const outcomes = await Promise.all([
        outcome(driver.call("send", { room, content: "  " })),
        outcome(driver.call("edit", { room, id: 1, content: "mine" })),
        outcome(driver.call("delete", { room, id: 7 })),
        outcome(driver.call("send", { room, content: "Hello" })),
      ]);
      assert.deepEqual(outcomes, ["invalid", "forbidden", "not_found", "done"]);
      await same(scene, driver);
    },
  },
  {
    title: "An unknown error code is handled as its `retryable` says.",
    async run(scene) {
      const driver = await scene.enter();
      const { room } = scene;
      const refuse = (retryable: boolean, ref: unknown) => ({
        type: "error",
        ref,
        code: "moon_phase",
        message: "The moon is full.",
        retryable,
        retryAfterMs: 50,
      });
      const answer = (retryable: boolean) =>
        first(1, isType("send"), ({ ref }) => {
          scene.gateway.say(refuse(retryable, ref));
          return [];
        });
      scene.gateway.up = answer(true);
      assert.equal(await outcome(driver.call("send", { room, content: "later" })), "done");
      scene.gateway.up = answer(false);
      assert.equal(await outcome(driver.call("send", { room, content: "never" })), "moon_phase");
      assert.equal((await scene.truth()).length, 1);
    },
  },
  {
    title: "A message that is too large for a frame fails alone with `too_large`, and is never sent.",
    async run(scene) {
      const driver = await scene.enter();
      const { room } = scene;
      const outcomes = await Promise.all([
        outcome(driver.call("send", { room, content: "before" })),
        outcome(driver.call("send", { room, content: "x".repeat(70_000) })),
        outcome(driver.call("send", { room, content: "after" })),
      ]);
      assert.deepEqual(outcomes, ["done", "too_large", "done"]);
      assert.equal(scene.gateway.opened.length, 1);
      await same(scene, driver);
    },
  },
  {
    title:
      "After 1009, the largest frame without a reply fails with `too_large`, and only the others are sent again.",
    async run(scene) {
      const { room } = scene;
      scene.gateway.down = ({ limits, ...frame }) => [
        limits ? { ...frame, limits: { ...limits, frameBytes: 1_000_000 } } : frame,
      ];
      const driver = await scene.enter();
      const other = `${room}-2`;
      scene.gateway.up = first(1, isType("send"), () => []);
      const outcomes = await Promise.all([
        outcome(driver.call("send", { room: other, content: "small" })),
        outcome(driver.call("send", { room, content: "x".repeat(70_000) })),
        outcome(driver.call("send", { room, content: "after" })),
      ]);
      assert.deepEqual(outcomes, ["done", "too_large", "done"]);
      assert.equal(
        sent(scene, "send").filter(({ frame }) => String(frame.content).length > 60_000).length,
        1,
      );
      await same(scene, driver);
    },
  },
  {
    title: "After `rate_limited`, a message waits for as long as the server says, and keeps its place.",
    strict: true,
    async run(scene) {
      const driver = await scene.enter();
      const contents = Array.from({ length: 6 }, (_, n) => `message ${n + 1}`);
      await Promise.all(contents.map((content) => driver.call("send", { room: scene.room, content })));
      assert.deepEqual(
        (await scene.truth()).map(({ content }) => content),
        contents,
      );
      const { frames } = scene.gateway;
      const refusals = frames.filter(({ frame }) => frame.code === "rate_limited");
      assert.ok(refusals.length > 0);
      for (const { at, frame } of refusals) {
        const next = frames.find((one) => one.at > at && one.frame.type === "send");
        assert.ok(next && next.at - at > Number(frame.retryAfterMs) - 5, "sent again too early");
      }
    },
  },
  {
    title: "Unsent messages survive the end of the client's process, if it has a storage.",
    async run(scene) {
      const driver = await scene.enter("kept");
      const { room } = scene;
      await driver.call("send", { room, content: "sent" });
      // A client may show a message as waiting until the room has it.
      await driver.until(room, { waiting: 0 });
      scene.gateway.down = first(1, isAck, cut);
      await away(scene, driver, async () => {
        void outcome(driver.call("send", { room, content: "unsent 1" })).catch(() => {});
        void outcome(driver.call("send", { room, content: "unsent 2" })).catch(() => {});
        await driver.until(room, { waiting: 2 });
        await driver.kill();
      });
      const next = await scene.open("kept");
      await next.call("join", { room });
      await until(async () => (await scene.truth()).length === 3);
      await same(scene, next);
      const { settled } = await next.call("events", { room });
      assert.equal(settled.length, 2);
      assert.deepEqual(
        (await scene.truth()).map(({ content }) => content),
        ["sent", "unsent 1", "unsent 2"],
      );
    },
  },
  {
    title: "A message waits for its files to be uploaded, and what is sent after it keeps its place.",
    async run(scene) {
      const driver = await scene.enter();
      const { room } = scene;
      const files = [
        { name: "list.txt", text: "One lamp. ".repeat(20_000), alt: "What to buy" },
        { name: "plan.txt", text: "Two chairs" },
      ];
      const [one, two] = await Promise.all([
        driver.call("send", { room, content: "", files }),
        driver.call("send", { room, content: "Look" }),
      ]);
      assert.deepEqual([one.id, two.id], [1, 2]);
      const [stored] = await scene.truth();
      assert.deepEqual(stored?.files, [
        { name: "list.txt", size: 200_000, alt: "What to buy" },
        { name: "plan.txt", size: 10, alt: null },
      ]);
      await same(scene, driver);
    },
  },
  {
    title: "An upload that is cut off is repeated under the same UUID, and its message has the file once.",
    async run(scene) {
      const driver = await scene.enter();
      const { room } = scene;
      const uploads: string[] = [];
      scene.proxy.up = (text) => {
        const [, upload] = /^PUT (\/rooms\/[^ ?]+)/.exec(text) ?? [];
        if (upload === undefined) return "pass";
        return uploads.push(upload) <= 2 ? "cut" : "pass";
      };
      const files = [{ name: "list.txt", text: "One lamp" }];
      const ack = await driver.call("send", { room, content: "Look", files });
      assert.equal(ack.id, 1);
      assert.equal(uploads.length, 3);
      assert.equal(new Set(uploads).size, 1);
      assert.equal((await scene.truth())[0]?.files?.length, 1);
      await same(scene, driver);
    },
  },
  {
    title: "A message with files that was cut off is sent again with them.",
    async run(scene) {
      const driver = await scene.enter();
      const { room } = scene;
      scene.gateway.up = first(1, isType("send"), cut);
      scene.gateway.down = first(1, isAck, cut);
      const ack = await driver.call("send", {
        room,
        content: "",
        files: [{ name: "list.txt", text: "One lamp" }],
      });
      assert.deepEqual(ack, { id: 1, version: 1, duplicate: true });
      assert.equal((await scene.truth())[0]?.files?.length, 1);
      await same(scene, driver);
    },
  },
];
