import type { Scenario } from "../scenario.ts";
import { seat } from "../stage.ts";
import { measureTraffic } from "../traffic.ts";

const PEOPLE = 10_000;
const QUICK_PEOPLE = 2_000;

/** The time until the last member of a very large room receives a message. */
export const largeRoom: Scenario = {
  name: "large-room",
  does: `One room of ${PEOPLE}; one of them sends a message every second.`,
  kinds: ["parley", "bare"],
  sockets: PEOPLE,
  bars: [
    {
      what: "time until the last member has a message, above bare",
      unit: "ms",
      value: ({ parley, bare }) => (parley.lastP50 ?? NaN) - (bare.lastP50 ?? NaN),
      atMost: 5,
    },
  ],
  async measure(stage, kind) {
    const people = await stage.people.first(stage.quick ? QUICK_PEOPLE : PEOPLE);
    return measureTraffic(stage, kind, {
      protocol: "v1",
      seats: people.map((person, at) => seat(kind, person, "square", at === 0)),
      pace: { perSecond: stage.quick ? 4 : 1 },
      warmS: stage.quick ? 1 : 12, // presence frames of a mass join are spread over ten seconds
      measureS: stage.quick ? 2 : 30,
    });
  },
};
