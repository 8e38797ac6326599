import assert from "node:assert/strict";
import { inSeconds } from "../support/tokens.ts";
import { type Behaviour, first, isType, outcome, same, sent } from "./behaviour.ts";
import { until } from "./driver.ts";
import type { Scene } from "./stage.ts";

/** Longer than any first wait before an attempt to connect, in milliseconds. */
const A_WHILE_MS = 1_200;

/** Closes the client's socket and waits for what it does. Resolves with the new connection, or undefined if it stays away. */
async function afterClose(scene: Scene, code: number, patienceMs?: number) {
  const before = scene.gateway.opened.length;
  scene.gateway.close(code);
  await until(() => scene.gateway.opened.length > before, patienceMs).catch(() => {});
  return scene.gateway.opened[before];
}

/** What happens after one close code, in rooms and connections of its own. */
const each = (codes: readonly number[], check: (scene: Scene, code: number) => Promise<void>) =>
  async function (this: void, scene: Scene) {
    await Promise.all(
      codes.map(async (code) => {
        const own = scene.another();
        try {
          await check(own, code);
        } catch (error) {
          throw new Error(`after ${code}: ${(error as Error).message}`, { cause: error });
        } finally {
          await own.close();
        }
      }),
    );
  };

export const staying: readonly Behaviour[] = [
  {
    title: "After a close code below 4500, the client comes back and resumes.",
    run: each([1011, 4000, 4002, 4003, 4444], async (scene, code) => {
      const driver = await scene.enter();
      await scene.post("before");
      await until(async () => (await driver.call("entries", { room: scene.room })).length === 1);
      assert.ok(await afterClose(scene, code), "the client stays away");
      await scene.post("after");
      await until(async () => (await driver.call("entries", { room: scene.room })).length === 2);
      assert.deepEqual((await driver.call("events", { room: scene.room })).seen, [1, 2]);
    }),
  },
  {
    title: "After a close code from 4501 on, the client stays away and reports it.",
    run: each([4501, 4502, 4777], async (scene, code) => {
      const driver = await scene.enter();
      assert.equal(await afterClose(scene, code, A_WHILE_MS), undefined);
      await driver.until(scene.room, { connection: "closed" });
    }),
  },
  {
    title: "After 4001 and 4500, the client comes back with another token.",
    run: each([4001, 4500], async (scene, code) => {
      const driver = await scene.enter();
      const opened = await afterClose(scene, code);
      assert.ok(opened, "the client stays away");
      assert.notEqual(opened.token, scene.gateway.opened[0]?.token);
      await driver.until(scene.room, { room: "live" });
    }),
  },
  {
    title: "If the new token is refused with 4500 too, the client stays away and reports it.",
    async run(scene) {
      scene.tokens.next = async () => `${(await scene.token()).slice(0, -4)}AAAA`;
      const driver = await scene.open();
      await driver.call("join", { room: scene.room });
      await driver.until(scene.room, { connection: "closed" });
      const { length } = scene.gateway.opened;
      assert.equal(length, 2);
      assert.equal(await afterClose(scene, 4500, A_WHILE_MS), undefined);
    },
  },
  {
    title: "After `closing`, the client comes back no earlier than the server says.",
    async run(scene) {
      const driver = await scene.enter();
      scene.gateway.say({ type: "closing", reason: "going_away", retryAfterMs: 1_500 });
      const began = performance.now();
      const opened = await afterClose(scene, 4000);
      assert.ok(opened && opened.at - began > 1_495, "the client came back too early");
      await driver.until(scene.room, { room: "live" });
    },
  },
  {
    title: "A handshake that is refused is tried again.",
    async run(scene) {
      scene.gateway.handshake = () =>
        scene.gateway.opened.length <= 2 ? new Response("Bad gateway", { status: 502 }) : undefined;
      const driver = await scene.enter();
      assert.equal(scene.gateway.opened.length, 3);
      await driver.call("send", { room: scene.room, content: "Hello" });
      await same(scene, driver);
    },
  },
  {
    title: "Attempts to connect become rarer while the server cannot be reached.",
    async run(scene) {
      const driver = await scene.enter();
      const before = scene.proxy.total;
      scene.proxy.refuse = true;
      scene.proxy.cut();
      await Bun.sleep(4_000); // The number of attempts in this time is what is tested.
      const attempts = scene.proxy.total - before;
      assert.ok(attempts >= 1 && attempts < 30, `${attempts} attempts in 4 seconds`);
      scene.proxy.refuse = false;
      await until(() => scene.proxy.total > before + attempts, 40_000);
      await driver.until(scene.room, { room: "live" });
    },
  },
  {
    title: "A connection on which nothing arrives is pinged, then given up after 10 seconds.",
    async run(scene) {
      scene.gateway.down = (frame) =>
        frame.type === "welcome" ? [{ ...frame, heartbeatMs: 1_000 }] : [frame];
      const driver = await scene.enter();
      scene.gateway.down = () => [];
      const quiet = performance.now();
      await until(() => sent(scene, "ping").some(({ at }) => at > quiet));
      const pinged = performance.now();
      await until(() => scene.gateway.opened.length === 2, 20_000);
      const gaveUp = (scene.gateway.opened[1]?.at ?? 0) - pinged;
      assert.ok(gaveUp > 8_000, `the client gave up after ${Math.round(gaveUp)} ms`);
      scene.gateway.down = (frame) => [frame];
      scene.proxy.cut();
      await driver.until(scene.room, { room: "live" });
    },
  },
  {
    title: "A socket on which no `welcome` arrives is given up after 10 seconds.",
    async run(scene) {
      scene.gateway.down = first(1, isType("welcome"), () => []);
      const driver = await scene.open();
      await driver.call("join", { room: scene.room });
      await until(() => scene.gateway.opened.length === 2, 20_000);
      const [one, two] = scene.gateway.opened;
      assert.ok(one && two && two.at - one.at > 9_500, "the client gave up too early");
      await driver.until(scene.room, { room: "live" });
    },
  },
  {
    title: "An expiring token is replaced on the open socket, and nothing is lost.",
    async run(scene) {
      const { room } = scene;
      let given = 0;
      scene.tokens.next = () => scene.token(++given === 1 ? { exp: inSeconds(4) } : {});
      const driver = await scene.enter();
      await until(() => sent(scene, "auth").length > 0);
      await driver.call("send", { room, content: "before" });
      await Bun.sleep(4_500); // The first token expires.
      await scene.post("after");
      await until(async () => (await driver.call("entries", { room })).length === 2);
      assert.equal(scene.gateway.opened.length, 1);
      await same(scene, driver);
    },
  },
  {
    title: "A source of tokens that fails while a token expires is asked again before it has.",
    async run(scene) {
      let given = 0;
      scene.tokens.next = () => {
        if (++given === 1) return scene.token({ exp: inSeconds(12) });
        return given <= 3 ? new Response("Try later", { status: 500 }) : scene.token();
      };
      const driver = await scene.enter();
      await until(() => sent(scene, "auth").length > 0);
      await driver.call("send", { room: scene.room, content: "Hello" });
      assert.equal(scene.gateway.opened.length, 1);
      await same(scene, driver);
    },
  },
  {
    title: "If the token does not allow a room, the client tries again with a newer one, once.",
    async run(scene) {
      const { room } = scene;
      let given = 0;
      const only = (match: string) => scene.token({ rooms: [{ match, allow: ["read", "post"] }] });
      scene.tokens.next = () => only(++given === 1 ? "elsewhere" : room);
      const driver = await scene.enter();
      assert.equal(scene.gateway.opened.length, 1);
      await driver.call("send", { room, content: "Hello" });
      await driver.call("join", { room: "nowhere" });
      await driver.until("nowhere", { room: "out", roomError: "forbidden" });
      assert.equal(await outcome(driver.call("send", { room: "nowhere", content: "Hello" })), "forbidden");
      assert.ok(given <= 5, `the client asked for ${given} tokens`);
      await same(scene, driver);
    },
  },
  {
    title: "An expired token is replaced before the next attempt to connect.",
    async run(scene) {
      let given = 0;
      scene.tokens.next = () => scene.token(++given === 1 ? { exp: inSeconds(2) } : {});
      scene.gateway.up = first(1, isType("auth"), () => []);
      scene.gateway.down = (frame) => (frame.type === "expiring" ? [] : [frame]);
      const driver = await scene.enter();
      await driver.call("send", { room: scene.room, content: "before" });
      await until(() => scene.gateway.opened.length === 2, 10_000);
      await driver.call("send", { room: scene.room, content: "after" });
      const [one, two] = scene.gateway.opened;
      assert.notEqual(one?.token, two?.token);
      await same(scene, driver);
    },
  },
  {
    title: "A source of tokens that fails is asked again.",
    async run(scene) {
      const token = scene.tokens.next;
      let failures = 2;
      scene.tokens.next = () => (failures-- > 0 ? new Response("Try later", { status: 500 }) : token());
      const driver = await scene.enter();
      assert.equal(scene.tokens.asked, 3);
      await driver.call("send", { room: scene.room, content: "Hello" });
      await same(scene, driver);
    },
  },
];
