import { expect, test } from "bun:test";
import { createOnline } from "../../src/chat/ephemeral/online.ts";
import { systemClock } from "../../src/clock.ts";
import { createBusLine } from "../support/bus-line.ts";

test("someone is online if any node has a socket of theirs, and other nodes are asked for nobody who is here", async () => {
  const line = createBusLine();
  const node = (name: string, ...here: readonly number[]) =>
    createOnline({ clock: systemClock, bus: line.join(name), isHere: (userId) => here.includes(userId) });
  const one = node("one", 1, 2);
  node("two", 3);
  node("three", 3, 4);
  expect([...(await one.of([1, 3, 4, 5]))].sort()).toEqual([1, 3, 4]);
  const told = line.told;
  expect([...(await one.of([1, 2]))]).toEqual([1, 2]);
  expect(line.told).toBe(told);
});

test("what nobody says in time counts as away", async () => {
  const line = createBusLine();
  const one = createOnline({ clock: systemClock, bus: line.join("one"), isHere: () => false });
  line.join("silent");
  expect([...(await one.of([1]))]).toEqual([]);
});
