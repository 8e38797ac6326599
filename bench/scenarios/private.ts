import type { Figures, Scenario } from "../scenario.ts";
import { seat, type Stage } from "../stage.ts";
import { measureTraffic } from "../traffic.ts";

const ROOMS = 100;

/** Returns SQL that makes the rooms of pairs private, with a fence above 0, as every private room has one. */
const privateSql = (rooms: number) => [
  `insert into rooms (name, kind, fence) select 'pair-' || i, 'private', 3 from generate_series(0, ${rooms - 1}) i`,
  `insert into members (user_id, room_id) select u.id, r.id
    from generate_series(0, ${2 * rooms - 1}) i
    join users u on u.username = 'p' || lpad((i + 1)::text, 5, '0') join rooms r on r.name = 'pair-' || i / 2`,
];

/** What a message costs in private rooms, relative to open ones. */
export const privatePairs: Scenario = {
  name: "private",
  does: `As pairs, in ${ROOMS} open rooms and in ${ROOMS} private ones in turns; then one pair of each, with one message at a time.`,
  kinds: ["parley"],
  sockets: 2 * ROOMS,
  bars: [
    {
      what: "server CPU per message in private rooms relative to open ones",
      unit: "×",
      value: ({ parley }) => (parley.privateCpu ?? NaN) / (parley.openCpu ?? NaN),
      atMost: 1.1,
    },
    {
      what: "ack p50 of one message at a time in a private room relative to an open one",
      unit: "×",
      value: ({ parley }) => (parley.privateAckP50 ?? NaN) / (parley.openAckP50 ?? NaN),
      atMost: 1.1,
    },
  ],
  async measure(stage, kind) {
    const figures: Record<string, number> = {};
    const problems: string[] = [];
    const note = (names: Readonly<Record<string, string>>, found: Figures) => {
      for (const [name, of] of Object.entries(names)) figures[name] = found[of] ?? NaN;
    };
    for (const [name, isPrivate] of [
      ["open", false],
      ["private", true],
    ] as const) {
      const many = await talk(stage, kind, { rooms: ROOMS, window: 4, isPrivate });
      note({ [`${name}Cpu`]: "cpuPerMessage", [`${name}PerSecond`]: "messagesPerSecond" }, many.figures);
      const one = await talk(stage, kind, { rooms: 1, window: 1, isPrivate });
      note({ [`${name}AckP50`]: "ackP50", [`${name}AckP99`]: "ackP99" }, one.figures);
      problems.push(...many.problems, ...one.problems);
    }
    return { figures, problems };
  },
};

interface Talk {
  readonly rooms: number;
  readonly window: number;
  readonly isPrivate: boolean;
}

async function talk(stage: Stage, kind: "parley" | "bare" | "insert", { rooms, window, isPrivate }: Talk) {
  const people = await stage.people.first(2 * rooms);
  return measureTraffic(stage, kind, {
    protocol: "v1",
    seats: people.map((person, at) => seat(kind, person, `pair-${at >> 1}`, true)),
    pace: { window },
    warmS: stage.quick ? 0.5 : 5,
    measureS: stage.quick ? 1.5 : 6,
    ...(isPrivate && { also: privateSql(rooms) }),
  });
}
