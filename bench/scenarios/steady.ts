import type { Scenario } from "../scenario.ts";
import { seat } from "../stage.ts";
import { measureTraffic } from "../traffic.ts";

const ROOMS = 20;
const PER_ROOM = 10;
const PER_SECOND = 1000;

/** An ordinary load, well below what any of the servers can do: how long a message takes. */
export const steady: Scenario = {
  name: "steady",
  does: `${ROOMS} rooms of ${PER_ROOM}, ${PER_SECOND} messages a second in all of them together.`,
  kinds: ["parley", "bare", "insert"],
  sockets: ROOMS * PER_ROOM,
  bars: [
    {
      what: "delivery p50 above bare's and one commit",
      unit: "ms",
      value: ({ parley, bare }) => (parley.p50 ?? NaN) - (bare.p50 ?? NaN) - (parley.commit ?? NaN),
      atMost: 0.3,
    },
    {
      what: "delivery p99 above bare's",
      unit: "ms",
      value: ({ parley, bare }) => (parley.p99 ?? NaN) - (bare.p99 ?? NaN),
      atMost: 5,
    },
  ],
  async measure(stage, kind) {
    const people = await stage.people.first(ROOMS * PER_ROOM);
    // What one commit takes here and now, when nobody else wants one.
    const commit = kind === "bare" ? undefined : await stage.databases.commitMs();
    const measured = await measureTraffic(stage, kind, {
      protocol: "v1",
      seats: people.map((person, at) => seat(kind, person, `room-${at % ROOMS}`, true)),
      pace: { perSecond: PER_SECOND },
      warmS: stage.quick ? 1 : 10, // at this pace it takes so long until the hot path is compiled
      measureS: stage.quick ? 2 : 10,
    });
    return { ...measured, figures: { ...measured.figures, ...(commit !== undefined && { commit }) } };
  },
};
