import type { Scenario } from "../scenario.ts";
import { seat } from "../stage.ts";
import { measureTraffic } from "../traffic.ts";

const ROOMS = 100;

/** The cost of a durable, acknowledged message in small rooms. */
export const pairs: Scenario = {
  name: "pairs",
  does: `${ROOMS} rooms of two; all ${2 * ROOMS} people send with 4 unacknowledged messages each.`,
  kinds: ["parley", "bare", "insert"],
  sockets: 2 * ROOMS,
  bars: [
    {
      what: "messages per second relative to one INSERT each",
      unit: "×",
      value: ({ parley, insert }) => (parley.messagesPerSecond ?? NaN) / (insert.messagesPerSecond ?? NaN),
      atLeast: 10,
    },
    {
      what: "server CPU per message relative to bare",
      unit: "×",
      value: ({ parley, bare }) => (parley.cpuPerMessage ?? NaN) / (bare.cpuPerMessage ?? NaN),
      atMost: 2.5,
    },
  ],
  async measure(stage, kind) {
    const people = await stage.people.first(2 * ROOMS);
    return measureTraffic(stage, kind, {
      protocol: "v1",
      seats: people.map((person, at) => seat(kind, person, `pair-${at >> 1}`, true)),
      pace: { window: 4 },
      warmS: stage.quick ? 0.5 : 5, // until the hot path is compiled
      measureS: stage.quick ? 1.5 : 6,
    });
  },
};
