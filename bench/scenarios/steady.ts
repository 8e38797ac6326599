import type { Scenario } from "../scenario.ts";
import { seat } from "../stage.ts";
import { measureTraffic } from "../traffic.ts";

const ROOMS = 20;
const PER_ROOM = 10;
const PER_SECOND = 1000;

/** The delivery time under an ordinary load, well below the capacity of each server. */
export const steady: Scenario = {
  name: "steady",
  does: `${ROOMS} rooms of ${PER_ROOM}, ${PER_SECOND} messages per second in total.`,
  kinds: ["parley", "bare", "insert"],
  sockets: ROOMS * PER_ROOM,
  bars: [
    {
      what: "delivery p50 above that of bare plus one commit",
      unit: "ms",
      value: ({ parley, bare }) => (parley.p50 ?? NaN) - (bare.p50 ?? NaN) - (parley.commit ?? NaN),
      atMost: 0.3,
    },
    {
      what: "delivery p99 above bare",
      unit: "ms",
      value: ({ parley, bare }) => (parley.p99 ?? NaN) - (bare.p99 ?? NaN),
      atMost: 5,
    },
  ],
  async measure(stage, kind) {
    const people = await stage.people.first(ROOMS * PER_ROOM);
    // Measured now, because the commit time of a machine varies.
    const commit = kind === "bare" ? undefined : await stage.databases.commitMs();
    const measured = await measureTraffic(stage, kind, {
      protocol: "v1",
      seats: people.map((person, at) => seat(kind, person, `room-${at % ROOMS}`, true)),
      pace: { perSecond: PER_SECOND },
      warmS: stage.quick ? 1 : 10, // at this pace the hot path takes this long to be compiled
      measureS: stage.quick ? 2 : 10,
    });
    return { ...measured, figures: { ...measured.figures, ...(commit !== undefined && { commit }) } };
  },
};
