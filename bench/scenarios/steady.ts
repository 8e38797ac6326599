import type { Figures, Scenario } from "../scenario.ts";
import { seat } from "../stage.ts";
import { measureTraffic } from "../traffic.ts";

const ROOMS = 20;
const PER_ROOM = 10;

/** Returns SQL that makes the rooms private, with a fence above 0, as every private room has one. */
const privateSql = [
  `insert into rooms (name, kind, fence) select 'room-' || i, 'private', 3 from generate_series(0, ${ROOMS - 1}) i`,
  `insert into members (user_id, room_id) select u.id, r.id from generate_series(0, ${ROOMS * PER_ROOM - 1}) i
    join users u on u.username = 'p' || lpad((i + 1)::text, 5, '0') join rooms r on r.name = 'room-' || i % ${ROOMS}`,
];

interface Ordinary {
  readonly name: string;
  readonly perSecond: number;
  readonly isPrivate?: boolean;
}

/** The delivery time under an ordinary load, well below the capacity of each server. */
const ordinary = ({ name, perSecond, isPrivate = false }: Ordinary): Scenario => ({
  name,
  does: `${ROOMS} ${isPrivate ? "private " : ""}rooms of ${PER_ROOM}, ${perSecond} messages per second in total.`,
  kinds: ["parley", "bare", "insert"],
  sockets: ROOMS * PER_ROOM,
  bars: [
    relative("server CPU per message", "cpuPerMessage", 1.25),
    {
      what: "delivery p50 above that of INSERT",
      unit: "ms",
      value: ({ parley, insert }) => (parley.p50 ?? NaN) - (insert.p50 ?? NaN),
      atMost: 0.1,
    },
    relative("delivery p99", "p99", 1.5),
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
      pace: { perSecond },
      ...(isPrivate && kind === "parley" && { also: privateSql }),
      warmS: stage.quick ? 1 : 10, // at this pace the hot path takes this long to be compiled
      measureS: stage.quick ? 2 : 10,
    });
    return { ...measured, figures: { ...measured.figures, ...(commit !== undefined && { commit }) } };
  },
});

/** A figure relative to that of the server that inserts each message separately. */
const relative = (what: string, figure: keyof Figures, atMost: number): Scenario["bars"][number] => ({
  what: `${what} relative to INSERT`,
  unit: "×",
  value: ({ parley, insert }) => (parley[figure] ?? NaN) / (insert[figure] ?? NaN),
  atMost,
});

export const steady = [
  ordinary({ name: "steady", perSecond: 1000 }),
  ordinary({ name: "steady-100", perSecond: 100 }),
  ordinary({ name: "steady-5000", perSecond: 5000 }),
  ordinary({ name: "steady-private", perSecond: 1000, isPrivate: true }),
];
