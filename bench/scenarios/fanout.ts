import type { Protocol } from "../load/orders.ts";
import type { Scenario } from "../scenario.ts";
import { seat } from "../stage.ts";
import { measureTraffic } from "../traffic.ts";

const PEOPLE = 100;
const SENDERS = 8;

/** The cost of a delivery in one large room. */
const fanout = (name: string, protocol: Protocol): Scenario => ({
  name,
  does: `One room of ${PEOPLE} (${protocol === "v1" ? "chat.v1" : "plain"}), ${SENDERS} of whom send with 8 unacknowledged messages each.`,
  kinds: ["parley", "bare", "insert"],
  sockets: PEOPLE,
  bars: [
    {
      what: "server CPU per delivery relative to bare",
      unit: "×",
      value: ({ parley, bare }) => (parley.cpuPerDelivery ?? NaN) / (bare.cpuPerDelivery ?? NaN),
      atMost: 1.25,
    },
  ],
  async measure(stage, kind) {
    const people = await stage.people.first(PEOPLE);
    return measureTraffic(stage, kind, {
      protocol,
      seats: people.map((person, at) => seat(kind, person, "hall", at < SENDERS)),
      pace: { window: 8 },
      warmS: stage.quick ? 0.5 : 5, // until the hot path is compiled
      measureS: stage.quick ? 1.5 : 6,
    });
  },
});

export const fanoutV1 = fanout("fanout", "v1");
export const fanoutPlain = fanout("fanout-plain", "plain");
