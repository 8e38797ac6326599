import { expect, test } from "bun:test";
import { createLocalBus } from "../../src/bus/local.ts";
import { createPresence, type PresenceNews } from "../../src/chat/ephemeral/presence.ts";
import { createTyping } from "../../src/chat/ephemeral/typing.ts";
import { handClock } from "../support/hand-clock.ts";
import { named, passFor } from "../support/stubs.ts";

const person = (userId: number) => ({ userId, username: `person-${userId}` });
const garden = (who: ReturnType<typeof person>) => passFor(who, "garden");
const typist = (username: string) => garden({ userId: 1, username });
const [ada, ben] = [person(1), person(2)];

function attend() {
  const { clock, pass, waiting } = handClock();
  const told: PresenceNews[] = [];
  let full = false;
  const tell = (_: string, news: PresenceNews) => !full && told.push(news) > 0;
  const presence = createPresence({ clock, bus: createLocalBus(), tell });
  return { presence, told, pass, waiting, setFull: (now: boolean) => void (full = now) };
}

test("people are counted, not sockets", () => {
  const { presence, told, pass } = attend();
  presence.enter(garden(ada));
  presence.enter(garden(ada));
  presence.enter(garden(ben));
  pass(1_000);
  expect(told).toEqual([{ online: 2, joined: [named("person-1"), named("person-2")] }]);
  presence.leave(garden(ada));
  pass(10_000);
  expect(told).toHaveLength(1);
  expect(presence.people("garden")).toEqual([named("person-1"), named("person-2")]);
});

test("a notification that cannot be sent is retried until it can", () => {
  const { presence, told, pass, setFull } = attend();
  presence.enter(garden(ada));
  setFull(true);
  pass(5_000);
  presence.enter(garden(ben));
  pass(5_000);
  expect(told).toEqual([]);
  setFull(false);
  pass(1_000);
  expect(told).toEqual([{ online: 2, joined: [named("person-1"), named("person-2")] }]);
  pass(10_000);
  expect(told).toHaveLength(1);
});

test("a reload is not a departure", () => {
  const { presence, told, pass } = attend();
  presence.enter(garden(ada));
  pass(1_000);
  presence.leave(garden(ada));
  pass(2_999);
  presence.enter(garden(ada));
  pass(10_000);
  expect(told).toEqual([{ online: 1, joined: [named("person-1")] }]);
});

test("anyone who is away for three seconds has left, and an empty room is forgotten", () => {
  const { presence, told, pass, waiting } = attend();
  presence.enter(garden(ada));
  presence.enter(garden(ben));
  pass(1_000);
  presence.leave(garden(ben));
  pass(4_000);
  expect(told.at(-1)).toEqual({ online: 1, left: [named("person-2")] });
  presence.leave(garden(ada));
  pass(4_000);
  expect(presence.online("garden")).toBe(0);
  expect(waiting()).toBe(0);
});

test("in a room of more than a hundred, people are counted, not named", () => {
  const { presence, told, pass } = attend();
  presence.enter(garden(ada));
  pass(1_000);
  for (let id = 10; id <= 110; id++) presence.enter(garden(person(id)));
  pass(1_000);
  expect(told.at(-1)).toEqual({ online: 102 });
});

test("ten thousand people who join within ten seconds cause a few notifications, without names", () => {
  const { presence, told, pass } = attend();
  for (let id = 1; id <= 10_000; id++) {
    presence.enter(garden(person(id)));
    if (id % 100 === 0) pass(100);
  }
  pass(10_000);
  expect(told.length).toBeLessThanOrEqual(12);
  expect(told.at(-1)).toEqual({ online: 10_000 });
  expect(presence.people("garden")).toHaveLength(100);
});

test("typing is reported at most once in two seconds per person, and never in large rooms", () => {
  const { clock, pass, waiting } = handClock();
  const told: string[] = [];
  let online = 2;
  const { typing } = createTyping({
    clock,
    bus: createLocalBus(),
    online: () => online,
    shared: () => false,
    tell: (_, { username }) => told.push(username),
  });
  for (let key = 0; key < 100; key++) typing(typist("ada"));
  typing(typist("ben"));
  expect(told).toEqual(["ada", "ben"]);
  pass(2_000);
  typing(typist("ada"));
  expect(told).toEqual(["ada", "ben", "ada"]);
  online = 101;
  typing(typist("cy"));
  expect(told).toHaveLength(3);
  pass(2_000);
  expect(waiting()).toBe(0);
});
