import { beforeEach, describe, expect, test } from "bun:test";
import { type Circuit, createCircuit } from "../../src/hooks/circuit.ts";
import { createLog } from "../../src/log.ts";
import { handClock } from "../support/hand-clock.ts";

// When an endpoint counts as down, and when it is tried again.

let log: string[];
let circuit: Circuit;
let pass: (ms: number) => void;

beforeEach(() => {
  const hand = handClock();
  log = [];
  ({ pass } = hand);
  const lines = createLog("info", { write: (line) => void log.push(String(JSON.parse(line).event)) });
  circuit = createCircuit(hand.clock, lines);
});

const fail = (...senders: number[]) => {
  for (const sender of senders) circuit.failed(sender, "The connection failed.");
};

describe("an endpoint", () => {
  test("is down after five failures in a row, and then tried every two seconds", () => {
    fail(1, 2, 1, 2);
    expect(circuit.admits()).toBe(true);
    fail(1);
    expect(circuit.admits()).toBe(false);
    pass(2_000);
    expect([circuit.admits(), circuit.admits()]).toEqual([true, false]);
    fail(1);
    pass(1_999);
    expect(circuit.admits()).toBe(false);
    pass(1);
    expect(circuit.admits()).toBe(true);
    circuit.succeeded();
    expect([circuit.admits(), circuit.admits()]).toEqual([true, true]);
  });

  test("is not down if it fails now and then", () => {
    for (let n = 0; n < 10; n++) {
      fail(1, 2, 3, 4);
      circuit.succeeded();
    }
    expect(circuit.admits()).toBe(true);
  });

  test("is not down for everyone because of what one person sends", () => {
    fail(...Array<number>(50).fill(1));
    expect(circuit.admits()).toBe(true);
    fail(2);
    expect(circuit.admits()).toBe(false);
  });
});

test("the log says once that it fails and once that it is back, and no more than once a minute", () => {
  circuit.succeeded();
  fail(1, 2, 3);
  circuit.succeeded();
  circuit.succeeded();
  expect(log).toEqual(["message_hook_failing", "message_hook_back"]);
  pass(59_000);
  fail(1);
  circuit.succeeded();
  expect(log).toHaveLength(2);
  fail(1);
  pass(1_000);
  fail(1, 1);
  expect(log).toEqual(["message_hook_failing", "message_hook_back", "message_hook_failing"]);
  circuit.succeeded();
  expect(log).toHaveLength(4);
});
