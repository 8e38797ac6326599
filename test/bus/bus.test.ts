import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Bus } from "../../src/bus/bus.ts";
import { BUS_VERSION, createFrames } from "../../src/bus/frame.ts";
import { createLocalBus } from "../../src/bus/local.ts";
import type { News, Notice, RoomNews } from "../../src/bus/news.ts";
import type { Message } from "../../src/message.ts";
import { needs } from "../support/needs.ts";
import { until } from "../support/until.ts";
import { BUS_KEY, createRedisNode, type RedisNode } from "./node.ts";
import { named, userOf } from "../support/stubs.ts";

setDefaultTimeout(20_000);

const message = (id: number, more: Partial<Message> = {}): Message => ({
  id,
  version: id,
  ...named("ada"),
  clientId: crypto.randomUUID(),
  content: `“${id}” 🙂\u0000`,
  data: null,
  replyTo: null,
  thread: null,
  files: null,
  mentions: null,
  timestamp: "2030-01-01T00:00:00.000000Z",
  editedAt: null,
  deletedAt: null,
  reactions: [],
  notice: null,
  ...more,
});

const changed = (room: string, from: number, count = 1): RoomNews => {
  const to = from + count - 1;
  const states = Array.from({ length: count }, (_, index) => message(from + index));
  return { type: "changed", room, epoch: "epoch", from, to, states };
};

const typing = (room: string, username: string): RoomNews => ({
  type: "typing",
  room,
  ...named(username),
});

/** The contract of every bus: see bus.ts. */
function contract(name: string, join: () => Promise<Bus>) {
  describe(`the contract of every bus: ${name}`, () => {
    let buses: Bus[] = [];
    afterEach(async () => {
      for (const bus of buses.splice(0)) await bus.stop();
    });
    const open = async () => {
      const bus = await join();
      buses.push(bus);
      return bus;
    };

    test("subscribe resolves, also twice at once and again after unsubscribe", async () => {
      const bus = await open();
      await Promise.all([bus.subscribe("garden"), bus.subscribe("garden")]);
      bus.unsubscribe("garden");
      bus.unsubscribe("garden");
      await bus.subscribe("garden");
    });

    test("a node does not receive its own news", async () => {
      const bus = await open();
      const heard: News[] = [];
      bus.listen({ heard: (news) => heard.push(news) });
      await bus.subscribe("garden");
      bus.publish(changed("garden", 1));
      bus.announce({ type: "left", userId: 1, room: "tea" });
      await bus.subscribe("elsewhere"); // by now, anything told before would have arrived
      expect(heard).toEqual([]);
    });

    test("publishing to a room without subscribers, or after stop, does nothing", async () => {
      const bus = await open();
      bus.publish(changed("empty", 1));
      await bus.stop();
      bus.publish(changed("empty", 2));
      bus.announce({ type: "left", userId: 1, room: "tea" });
      bus.unsubscribe("empty");
      await bus.subscribe("empty");
    });
  });
}

contract("in one process", async () => createLocalBus());

needs("TEST_REDIS_URL")("on Redis", () => {
  const installation = `test-${crypto.randomUUID()}:`;
  const nodes: RedisNode[] = [];
  afterEach(async () => {
    for (const { bus } of nodes.splice(0)) await bus.stop();
  });
  const node = async (prefix = installation) => {
    const made = await createRedisNode(process.env.TEST_REDIS_URL ?? "", prefix);
    nodes.push(made);
    return made;
  };

  contract(
    "on Redis",
    async () => (await createRedisNode(process.env.TEST_REDIS_URL ?? "", installation)).bus,
  );

  test("news of a room reach each subscribed node completely and in order, and no other node", async () => {
    const [here, there, far] = [await node(), await node(), await node()];
    await Promise.all([there.bus.subscribe("garden"), far.bus.subscribe("cellar")]);
    const told: RoomNews[] = [
      changed("garden", 1, 3),
      typing("garden", "ben"),
      changed("garden", 4),
      {
        type: "changed",
        room: "garden",
        epoch: "epoch",
        from: 5,
        to: 7,
        states: [
          message(2, { version: 6, editedAt: "2030-01-01T00:00:01.000000Z" }),
          message(1, {
            version: 7,
            reactions: [{ emoji: "👍", count: 1, users: ["ben"], profiles: [userOf("ben")] }],
          }),
        ],
      },
      { type: "moved", room: "garden", epoch: "epoch", version: 8 },
      {
        type: "attendance",
        room: "garden",
        at: 1,
        online: 2,
        people: [[1, "ada", userOf("ada")]],
        ask: true,
      },
      { type: "read", room: "garden", userId: 1, id: 7 },
    ];
    for (const news of told) here.bus.publish(news);
    await until(() => there.heard.length >= told.length);
    expect(there.heard).toEqual(told);
    here.bus.publish(typing("cellar", "cy"));
    await until(() => far.heard.length > 0);
    expect(far.heard).toEqual([typing("cellar", "cy")]);
    expect(there.heard).toHaveLength(told.length);
  });

  test("a notice reaches every node", async () => {
    const [here, there, far] = [await node(), await node(), await node()];
    const notices: Notice[] = [
      { type: "ended", userId: 7, sessionIds: ["s1"], reason: "session_ended" },
      { type: "ended", userId: 7, sessionIds: null, reason: "account_disabled" },
      { type: "left", userId: 8, room: "tea" },
      { type: "spent", spent: [["messages", 7, 20]] },
    ];
    for (const notice of notices) here.bus.announce(notice);
    await until(() => there.heard.length === 4 && far.heard.length === 4);
    expect(there.heard).toEqual(notices);
  });

  test("a reply reaches only the node that it is for", async () => {
    const [here, there, far] = [await node(), await node(), await node()];
    here.bus.reply(there.bus.node, { type: "counts", id: 1, rooms: [["garden", 2]] });
    await until(() => there.heard.length > 0);
    expect(there.heard).toEqual([{ type: "counts", id: 1, rooms: [["garden", 2]] }]);
    far.bus.reply(here.bus.node, { type: "count", id: 2, rooms: ["garden"] });
    await until(() => here.heard.length > 0);
    expect(far.heard).toEqual([]);
  });

  test("if one listener throws, the others still get the news, and the node goes on", async () => {
    const [here, there] = [await node(), await node()];
    await there.bus.subscribe("garden");
    const after: News[] = [];
    there.bus.listen({
      heard() {
        throw new Error("a fault of a listener");
      },
    });
    there.bus.listen({ heard: (news) => after.push(news) });
    here.bus.publish(typing("garden", "ada"));
    here.bus.publish(typing("garden", "ben"));
    await until(() => after.length === 2);
    expect(await there.metric("parley_faults_total")).toBe(2);
    expect(there.log.filter(({ event }) => event === "fault")).toHaveLength(2);
  });

  test("frames of many other versions cause a few log lines", async () => {
    const [here, there] = [await node(), await node()];
    await there.bus.subscribe("garden");
    const client = new Bun.RedisClient(process.env.TEST_REDIS_URL);
    for (let version = BUS_VERSION + 1; version <= BUS_VERSION + 100; version++)
      await client.publish(`${installation}room:garden`, `parley-bus/${version} x []`);
    client.close();
    here.bus.publish(typing("garden", "ada"));
    await until(() => there.heard.length > 0);
    expect(await there.metric('parley_bus_refused_total{reason="version"}')).toBe(100);
    expect(there.log.filter(({ event }) => event === "bus_refused")).toHaveLength(10);
  });

  test("everything published in one tick is one frame per room", async () => {
    const [here, there] = [await node(), await node()];
    await Promise.all(["garden", "cellar"].map((room) => there.bus.subscribe(room)));
    const before = await here.metric("parley_bus_published_total");
    for (let version = 1; version <= 50; version++)
      for (const room of ["garden", "cellar"]) here.bus.publish(changed(room, version));
    await until(() => there.heard.length === 100);
    expect(await there.metric("parley_bus_received_total")).toBe(2);
    // Two are heartbeats, which are sent twice a second.
    expect((await here.metric("parley_bus_published_total")) - before).toBeLessThanOrEqual(4);
  });

  test("a node gets no news after unsubscribe, and each once after it subscribes again", async () => {
    const [here, there] = [await node(), await node()];
    for (let round = 0; round < 5; round++) {
      await there.bus.subscribe("garden");
      there.bus.unsubscribe("garden");
    }
    await there.bus.subscribe("cellar");
    here.bus.publish(typing("garden", "ada"));
    here.bus.publish(typing("cellar", "ada"));
    await until(() => there.heard.length > 0);
    await there.bus.subscribe("garden");
    here.bus.publish(typing("garden", "ben"));
    here.bus.publish(typing("cellar", "ben"));
    await until(() => there.heard.length >= 3);
    expect(there.heard).toEqual([typing("cellar", "ada"), typing("garden", "ben"), typing("cellar", "ben")]);
  });

  test("a node subscribes to ten thousand rooms at once", async () => {
    const [here, there] = [await node(), await node()];
    const rooms = Array.from({ length: 10_000 }, (_, index) => `room-${index}`);
    await Promise.all(rooms.map((room) => there.bus.subscribe(room)));
    for (const room of rooms) here.bus.publish(typing(room, "ada"));
    await until(() => there.heard.length === rooms.length);
  });

  test("a range that is too large for the bus is announced by its version only", async () => {
    const [here, there] = [await node(), await node()];
    await there.bus.subscribe("garden");
    const states = [message(1, { content: "x".repeat(300_000) })];
    here.bus.publish({ type: "changed", room: "garden", epoch: "epoch", from: 1, to: 1, states });
    await until(() => there.heard.length > 0);
    expect(there.heard).toEqual([{ type: "moved", room: "garden", epoch: "epoch", version: 1 }]);
  });

  test("installations that share a Redis do not get each other's news", async () => {
    const [here, other] = [await node(), await node(`test-${crypto.randomUUID()}:`)];
    const there = await node();
    await Promise.all([other.bus.subscribe("garden"), there.bus.subscribe("garden")]);
    here.bus.publish(typing("garden", "ada"));
    here.bus.announce({ type: "left", userId: 1, room: "tea" });
    await until(() => there.heard.length === 2);
    expect(other.heard).toEqual([]);
  });

  test("a node that stops is gone within seconds, and a new node is not taken for it", async () => {
    const [here, there] = [await node(), await node()];
    await until(async () => (await here.metric("parley_bus_nodes")) === 1);
    await there.bus.stop();
    await node();
    await until(() => here.gone.length > 0, 6_000);
    expect(here.gone).toEqual([there.bus.node]);
    expect(await here.metric("parley_bus_nodes")).toBe(1);
  });

  test("the bus stores nothing in Redis", async () => {
    const [here, there] = [await node(), await node()];
    await there.bus.subscribe("garden");
    here.bus.publish(typing("garden", "ada"));
    await until(() => there.heard.length > 0);
    const client = new Bun.RedisClient(process.env.TEST_REDIS_URL);
    expect(await client.keys(`${installation}*`)).toEqual([]);
    client.close();
  });

  describe("a frame that is not of this installation's nodes, or not new, is refused, counted and logged once", () => {
    const frames = createFrames(BUS_KEY);
    let stamp = Date.now() * 1_000;
    const now = () => ++stamp;
    const channelOf = (room: string) => `${installation}room:${room}`;
    const forged = (room: string) => createFrames("a guess").write(channelOf(room), "n", now(), { news: [] });
    const signed = (word: unknown) => frames.write(channelOf("garden"), "n", now(), word as "alive");
    const range = changed("garden", 5, 2);
    const refused: [what: string, reason: string, text: () => string][] = [
      ["any text", "malformed", () => "hello"],
      ["an empty text", "malformed", () => ""],
      ["a version of 50 digits", "malformed", () => `parley-bus/${"9".repeat(50)} x []`],
      ["a node of another version", "version", () => `parley-bus/${BUS_VERSION + 1} x [{"kind":"changed"}]`],
      ["half a frame", "forged", () => `parley-bus/${BUS_VERSION} n`],
      ["a frame without a MAC", "forged", () => `parley-bus/${BUS_VERSION} n ${now()} []`],
      ["a frame with the MAC of another secret", "forged", () => forged("garden")],
      ["a frame for another room", "forged", () => frames.write(channelOf("x"), "n", now(), { news: [] })],
      ["no JSON", "malformed", () => signed("[{")],
      ["unknown news", "malformed", () => signed({ news: [{ type: "war" }] })],
      ["a range that goes backwards", "malformed", () => signed({ news: [{ ...range, to: 4 }] })],
      ["a range without its last state", "malformed", () => signed({ news: [{ ...range, to: 7 }] })],
      ["a range without states", "malformed", () => signed({ news: [{ ...range, states: [] }] })],
      [
        "states out of order",
        "malformed",
        () => signed({ news: [{ ...changed("garden", 1, 2), states: [message(2), message(1)] }] }),
      ],
      [
        "a frame of an hour ago",
        "late",
        () => frames.write(channelOf("garden"), "n", now() - 3_600_000_000, { news: [] }),
      ],
    ];

    test.each(refused)("%s (%s)", async (_, reason, text) => {
      const [here, there] = [await node(), await node()];
      await there.bus.subscribe("garden");
      const client = new Bun.RedisClient(process.env.TEST_REDIS_URL);
      for (let time = 0; time < 3; time++) await client.publish(channelOf("garden"), text());
      client.close();
      here.bus.publish(typing("garden", "ada"));
      await until(() => there.heard.length > 0);
      expect(there.heard).toEqual([typing("garden", "ada")]);
      expect(await there.metric(`parley_bus_refused_total{reason="${reason}"}`)).toBe(3);
      expect(there.log.filter(({ event }) => event === "bus_refused")).toHaveLength(1);
    });

    // Otherwise anyone who listens could bring people back who have left, or end a login again after it was restored.
    test("what a node said is heard once, even if somebody repeats it after the node is gone", async () => {
      const [here, there] = [await node(), await node()];
      const recorder = new Bun.RedisClient(process.env.TEST_REDIS_URL);
      const recorded: string[] = [];
      await recorder.subscribe(`${installation}all`, (text) => void recorded.push(text));
      here.bus.announce({ type: "ended", userId: 7, sessionIds: null, reason: "account_disabled" });
      await until(() => there.heard.length > 0 && recorded.some((text) => text.includes("ended")));
      await here.bus.stop();
      await until(() => there.gone.includes(here.bus.node), 8_000);
      recorder.close();
      const client = new Bun.RedisClient(process.env.TEST_REDIS_URL);
      const own = recorded.filter((text) => text.includes(here.bus.node));
      for (const text of own) await client.publish(`${installation}all`, text);
      client.close();
      await until(
        async () => (await there.metric('parley_bus_refused_total{reason="repeated"}')) === own.length,
      );
      expect(there.heard).toHaveLength(1);
    });
  });
});
