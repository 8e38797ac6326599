import { expect, test } from "bun:test";
import { createBudgets } from "../../src/budgets.ts";
import { createLocalBus } from "../../src/bus/local.ts";
import { createIntake } from "../../src/chat/connection/intake.ts";
import { BUDGETS } from "../../src/protocol/budgets.ts";
import { handClock } from "../support/hand-clock.ts";
import { createMeters } from "../sim/meters.ts";

const { burst, rate } = BUDGETS.frames;

/** A person with any number of sockets. `read` has the frames that were read, `events` what happened to the sockets. */
function setUp(budget?: number) {
  const { clock, pass, waiting } = handClock();
  const { metrics } = createMeters();
  const messages = { rate: 0, burst: 1 };
  const budgets = createBudgets({ scale: 1, messages, clock, bus: createLocalBus(), metrics });
  const read: unknown[] = [];
  const events: string[] = [];
  const open = (receive: (frame: unknown) => void = () => {}) => {
    const intake = createIntake({
      identity: { userId: 1, budget },
      parts: { budgets, clock },
      writer: {
        pause: () => void events.push("pause"),
        resume: () => void events.push("resume"),
      },
      protocol: {
        receive(frame) {
          read.push(frame);
          receive(frame);
        },
      },
      close: (reason, ms) => void events.push(`${reason} ${ms}`),
    });
    return intake;
  };
  return { open, pass, waiting, budgets, read, events };
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index));

test("frames over the socket's budget are read later, in order, and none is lost", () => {
  const { open, pass, read, events } = setUp();
  const intake = open();
  for (const frame of numbers(burst + 150)) intake.take(frame);
  expect(read).toHaveLength(burst);
  expect(events).toEqual(["pause"]);
  pass(1_000);
  expect(read.length).toBeWithin(burst + rate - 2, burst + rate + 1);
  pass(1_000);
  expect(read).toEqual(numbers(burst + 150));
  expect(events).toEqual(["pause", "resume"]);
});

test("a person with three times the budgets has sockets that read three times as much", () => {
  const { open, read, events } = setUp(3);
  const intake = open();
  for (const frame of numbers(3 * burst)) intake.take(frame);
  expect([read.length, events]).toEqual([3 * burst, []]);
  intake.giveBack();
  for (const frame of numbers(2)) intake.take(frame);
  expect([read.length, events]).toEqual([3 * burst + 1, ["pause"]]);
});

test("a socket whose frames pile up is closed, and its person has to wait before opening another one", () => {
  const { open, pass, read, events, budgets, waiting } = setUp();
  const intake = open();
  for (const frame of numbers(3 * burst)) {
    if (events.some((event) => event.startsWith("flooding"))) break;
    intake.take(frame);
  }
  expect(events).toEqual(["pause", "flooding 30000"]);
  // It cost as much as opening thirty sockets.
  expect(budgets.spend("sockets", { userId: 1 }, BUDGETS.sockets.burst - 30)).toBe(0);
  expect(budgets.spend("sockets", { userId: 1 })).toBeGreaterThan(0);
  pass(60_000);
  expect(read).toHaveLength(burst);
  expect(waiting()).toBe(0);
});

test("nothing that is held is read once a frame has closed the socket", () => {
  const { open, pass, read, waiting } = setUp();
  const intake = open((frame) => frame === String(burst + 3) && intake.end());
  for (const frame of numbers(burst + 100)) intake.take(frame);
  pass(10_000);
  expect(read).toEqual(numbers(burst + 4));
  expect(waiting()).toBe(0);
});

test("sockets of one person share a budget too, so that many sockets are no way around it", () => {
  const { open, read } = setUp();
  const sockets = numbers(10).map(() => open());
  for (let round = 0; round < burst / 2; round++) for (const socket of sockets) socket.take("ping");
  expect(read).toHaveLength(BUDGETS.traffic.burst);
});

test("large frames, control frames and frames that make no sense cost too; frames of a paid change do not", () => {
  const spend = (frame: string | undefined, costs: "free" | "more" | "as usual", most = 2 * burst) => {
    const { open, read, events } = setUp();
    const intake = open(() => {
      if (costs === "free") intake.giveBack();
      if (costs === "more") intake.malformed();
    });
    let taken = 0;
    for (; taken < most && events.length === 0; taken++) intake.take(frame);
    return frame === undefined ? taken - 1 : read.length;
  };
  expect(spend("{}", "as usual")).toBe(burst);
  expect(spend(undefined, "as usual")).toBe(burst);
  expect(spend("{", "more")).toBe(burst / 10);
  expect(spend("x".repeat(64 * 1024), "as usual")).toBe(Math.floor(burst / 33));
  expect(spend("{}", "free", 5 * burst)).toBe(5 * burst);
});
