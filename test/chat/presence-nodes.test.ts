import { expect, test } from "bun:test";
import { createCounts } from "../../src/chat/ephemeral/counts.ts";
import { createPresence, type PresenceNews } from "../../src/chat/ephemeral/presence.ts";
import { createTyping } from "../../src/chat/ephemeral/typing.ts";
import { createBusLine } from "../support/bus-line.ts";
import { handClock } from "../support/hand-clock.ts";
import { named, passFor, userOf } from "../support/stubs.ts";

// What nodes share about people: who is online, who is typing, and who sends fast.

const person = (userId: number) => ({ userId, username: `person-${userId}` });
const garden = (who: ReturnType<typeof person>) => passFor(who, "garden");
const typist = (username: string) => garden({ userId: 1, username });
const [ada, ben, cy] = [person(1), person(2), person(3)];

function attend(names: readonly string[]) {
  const time = handClock();
  const line = createBusLine();
  const nodes = names.map((name) => {
    const told: PresenceNews[] = [];
    const tell = (_: string, news: PresenceNews) => told.push(news) > 0;
    return { told, ...createPresence({ clock: time.clock, bus: line.join(name), tell }) };
  });
  return { ...time, line, nodes: nodes as [(typeof nodes)[0], (typeof nodes)[0], (typeof nodes)[0]] };
}

test("each node reports the people of all nodes, and counts a person on two nodes once", () => {
  const { nodes, pass } = attend(["one", "two"]);
  const [one, two] = nodes;
  one.enter(garden(ada));
  pass(1_000);
  two.enter(garden(ben));
  two.enter(garden(ada));
  pass(1_500);
  expect(one.told).toEqual([
    { online: 1, joined: [named("person-1")] },
    { online: 2, joined: [named("person-2")] },
  ]);
  expect(two.told).toEqual([{ online: 2, joined: [named("person-2"), named("person-1")] }]);
  for (const node of nodes.slice(0, 2))
    expect([node.online("garden"), node.people("garden").length]).toEqual([2, 2]);
});

test("a person who comes between a node's question and the first reply is reported too", () => {
  const { nodes, pass } = attend(["one", "two"]);
  const [one, two] = nodes;
  one.enter(garden(ada));
  pass(5_000);
  two.enter(garden(ben)); // asks; the reply takes a while
  two.enter(garden(cy));
  pass(5_000);
  for (const node of nodes.slice(0, 2)) expect(node.online("garden")).toBe(3);
});

test("a person who moves to another node has not left", () => {
  const { nodes, pass } = attend(["one", "two"]);
  const [one, two] = nodes;
  one.enter(garden(ada));
  two.enter(garden(ben));
  pass(2_000);
  two.told.length = 0;
  one.leave(garden(ada));
  pass(1_000);
  two.enter(garden(ada));
  pass(10_000);
  expect(two.told).toEqual([]);
  expect(
    two
      .people("garden")
      .map(({ username }) => username)
      .sort(),
  ).toEqual(["person-1", "person-2"]);
});

test("when a node is gone, its people have left", () => {
  const { nodes, pass, line } = attend(["one", "two"]);
  const [one, two] = nodes;
  one.enter(garden(ada));
  two.enter(garden(ben));
  pass(2_000);
  line.die("two");
  pass(1_000);
  expect(one.told.at(-1)).toEqual({ online: 1, left: [named("person-2")] });
  expect(one.shared("garden")).toBe(false);
});

test("a room with people on one node costs the other nodes nothing, and the bus one question", () => {
  const { nodes, pass, line } = attend(["one", "two"]);
  const [one, two] = nodes;
  for (let id = 1; id <= 50; id++) {
    one.enter(garden(person(id)));
    pass(100);
  }
  for (let id = 1; id <= 50; id++) one.leave(garden(person(id)));
  pass(20_000);
  expect(line.told).toBe(1);
  expect(two.told).toEqual([]);
});

test("ten thousand people on three nodes take few reports; a hundred are named, all are counted", () => {
  const { nodes, pass, line } = attend(["one", "two", "three"]);
  for (let id = 1; id <= 10_000; id++) {
    nodes[id % 3]?.enter(garden(person(id)));
    if (id % 100 === 0) pass(100);
  }
  pass(12_000);
  for (const node of nodes) {
    expect(node.online("garden")).toBe(10_000);
    expect(node.people("garden")).toHaveLength(100);
    expect(node.told.length).toBeLessThanOrEqual(14);
  }
  expect(line.told).toBeLessThan(150);
});

test("reports that were lost while the bus was away are requested when it is back", () => {
  const { nodes, pass, line, waiting } = attend(["one", "two"]);
  const [one, two] = nodes;
  one.enter(garden(ada));
  two.enter(garden(ben));
  pass(2_000);
  line.away(true);
  two.enter(garden(cy));
  one.leave(garden(ada));
  one.enter(garden(person(4)));
  pass(5_000);
  line.away(false);
  pass(2_000);
  for (const node of nodes.slice(0, 2))
    expect(
      node
        .people("garden")
        .map(({ username }) => username)
        .sort(),
    ).toEqual(["person-2", "person-3", "person-4"]);
  expect(waiting()).toBe(0);
});

test("a report that arrives after a newer one is ignored", () => {
  const time = handClock();
  const line = createBusLine();
  const presence = createPresence({ clock: time.clock, bus: line.join("one"), tell: () => true });
  const other = line.join("two");
  const say = (at: number, people: [number, string][]) =>
    other.publish({
      type: "attendance",
      room: "garden",
      at,
      online: people.length,
      people: people.map(([userId, username]) => [userId, username, userOf(username)]),
    });
  presence.enter(garden(ada));
  say(2, []);
  say(1, [[2, "person-2"]]);
  expect(presence.online("garden")).toBe(1);
  say(3, [[3, "person-3"]]);
  say(3, [[2, "person-2"]]);
  expect(presence.people("garden")).toEqual([named("person-1"), named("person-3")]);
});

test("people in rooms without readers on this node are counted by asking, at most every two seconds", async () => {
  const { nodes, clock, pass, line } = attend(["one", "two", "three"]);
  const countsOf = ["four", "one"].map((name, at) => {
    const presence = at === 0 ? { online: () => 0, here: () => 0 } : nodes[0];
    return createCounts({ clock, bus: line.join(at === 0 ? name : `${name}'s counts`), presence });
  });
  nodes[0].enter(garden(ada));
  nodes[0].enter(garden(ben));
  const before = line.told;
  const asked = countsOf[0]?.of(["garden", "cellar"]);
  pass(50);
  expect([...((await asked) ?? [])]).toEqual([
    ["garden", 2],
    ["cellar", 0],
  ]);
  expect(line.told - before).toBe(2); // the question, and the one reply
  expect([...((await countsOf[0]?.of(["garden"])) ?? [])]).toEqual([["garden", 2]]);
  expect([...((await countsOf[1]?.of(["garden"])) ?? [])]).toEqual([["garden", 2]]);
  expect(line.told - before).toBe(2);
});

test("typing is shared with nodes that have someone in the room, and throttled there too", () => {
  const { clock } = handClock();
  const line = createBusLine();
  const seen: string[] = [];
  let shared = false;
  const node = (name: string) =>
    createTyping({
      clock,
      bus: line.join(name),
      online: () => 2,
      shared: () => shared,
      tell: (_, { username }) => void seen.push(`${name}: ${username}`),
    });
  const one = node("one");
  node("two");
  one.typing(typist("ada"));
  expect(line.told).toBe(0);
  shared = true;
  for (let key = 0; key < 100; key++) one.typing(typist("ben"));
  expect(seen).toEqual(["one: ada", "one: ben", "two: ben"]);
});
