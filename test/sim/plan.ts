import type { Random } from "./random.ts";

/** The kind of run that a seed makes. Each fault occurs in some runs, so that all combinations come up. */
export interface Plan {
  readonly nodes: number;
  readonly lanes: number;
  readonly rooms: readonly string[];
  readonly v1: number;
  readonly plain: number;
  readonly backends: number;
  /** Lists of conversations, which watch all rooms of a person. */
  readonly watchers: number;
  readonly users: number;
  /** How long the run lasts and how often something happens, in milliseconds. */
  readonly lengthMs: number;
  readonly actionMs: number;
  /** Rows of a page of the database. */
  readonly pageRows: number;
  readonly slowQueries: number;
  readonly commitFailures: number;
  readonly readFailures: number;
  readonly poison: number;
  readonly busLoses: number;
  readonly busDoubles: number;
  readonly busDelays: number;
  /** A node announces ranges that no commit made. */
  readonly busLies: number;
  /** Some messages are so large that a socket that is not read fills up. */
  readonly large: boolean;
  /** Some readers stop for so long that they are closed. */
  readonly longStalls: boolean;
  /** Messages that a room starts with. */
  readonly backlog: number;
  /** The share of edits, deletions and reactions among all changes. */
  readonly amends: number;
  /** Another program changes messages directly in the database. */
  readonly edits: boolean;
  /** The operator bans people and lifts bans; people leave rooms for good. */
  readonly bans: boolean;
  readonly departures: boolean;
  /** Open rooms are open to their members alone, whom operators add. */
  readonly membersOnly: boolean;
  /** People create rooms, and change who may do what in them. */
  readonly ruled: boolean;
  /** People block each other, and invite each other with links. */
  readonly social: boolean;
  /** People upload files and send them; what is stored fails at times. */
  readonly files: boolean;
  readonly shelfFailures: number;
  readonly shortTokens: boolean;
  /** The products of people with the real client say in their tokens where they may go, and change their minds. */
  readonly claims: boolean;
  /** Those products fail at times. */
  readonly flaky: boolean;
  /** How long their tokens live, in milliseconds: from 10 seconds to a day. */
  readonly tokenLifeMs: number;
  /** How wrong the clocks of the real clients are, in milliseconds. */
  readonly skewMs: number;
  readonly messageRate: number;
  /** Multiplies everyone's budgets, so that some are spent; 0: there are none. */
  readonly budgets: number;
  /** The relative frequency of each fault. */
  readonly faults: Readonly<Record<FaultKind, number>>;
  /** Faults occur. At the end they cease, and everything has to come right. */
  faulty: boolean;
}

export const FAULTS = ["die", "stop", "cut", "stall", "busDown", "databaseAway", "restore", "bulk"] as const;
export type FaultKind = (typeof FAULTS)[number];

const HOUR_MS = 3_600_000;

/** A room that an operator may create as a private one, unless somebody enters it before. */
export const PLAIN_ROOM = "order-7";

/** `isScreened`: messages wait to be checked before they are committed. */
export function planOf(random: Random, isScreened: boolean): Plan {
  const sometimes = (probability: number, value: () => number) => (random.chance(probability) ? value() : 0);
  const large = random.chance(0.06);
  const longStalls = large && random.chance(0.05);
  const huge = random.chance(0.002);
  const backlog = huge ? 9_980 + random.below(30) : sometimes(0.5, () => random.below(12));
  const edits = random.chance(0.2);
  const budgets = huge || large ? 0 : sometimes(0.15, () => random.between(0.03, 0.2));
  const ruled = !huge && random.chance(0.3);
  const membersOnly = ruled && random.chance(0.2);
  const rooms = ["ada", "ben", "cy", "dan", "eve"].slice(0, 1 + random.below(huge ? 1 : ruled ? 2 : 5));
  if (ruled && random.chance(0.4)) rooms.push(PLAIN_ROOM);
  return {
    nodes: random.pick([1, 2, 2, 2, 3, 3]),
    lanes: random.pick([1, 2]),
    rooms,
    v1: huge ? 2 : 2 + random.below(4),
    plain: huge ? 0 : random.below(3),
    backends: random.below(2),
    watchers: huge || longStalls ? 0 : sometimes(0.3, () => 1 + random.below(2)),
    users: (ruled ? 3 : 1) + random.below(4),
    lengthMs: random.between(1_500, 6_000),
    actionMs: random.between(15, 60),
    // With budgets, a replay of many pages would take longer than the run.
    pageRows: huge || budgets > 0 ? 500 : 1 + random.below(8),
    slowQueries: sometimes(0.4, () => random.between(0, 0.3)),
    commitFailures: sometimes(0.6, () => random.between(0, 0.5)),
    readFailures: sometimes(0.4, () => random.between(0, 0.2)),
    poison: sometimes(0.3, () => 0.05),
    busLoses: sometimes(0.5, () => random.between(0, 0.6)),
    busDoubles: sometimes(0.5, () => random.between(0, 0.3)),
    busDelays: sometimes(0.5, () => random.between(0, 0.5)),
    busLies: sometimes(0.3, () => random.between(0, 0.3)),
    large,
    longStalls,
    backlog,
    amends: sometimes(0.7, () => 0.4),
    edits,
    bans: random.chance(0.25),
    // Leaving an open room has no version, so the order could not say what someone who has left may still see.
    departures: random.chance(0.25) && !membersOnly,
    membersOnly,
    ruled,
    social: ruled && random.chance(0.6),
    files: !huge && random.chance(0.3),
    shelfFailures: sometimes(0.5, () => random.between(0, 0.2)),
    shortTokens: random.chance(0.15),
    claims: !huge && random.chance(0.25),
    flaky: random.chance(0.25),
    tokenLifeMs: random.pick([
      HOUR_MS,
      HOUR_MS,
      HOUR_MS,
      random.between(10_000, 40_000),
      10_000 * 8_640 ** random.next(),
    ]),
    skewMs: random.chance(0.3) ? random.pick([-5, -0.5, 0.5, 5]) * HOUR_MS : 0,
    messageRate: sometimes(0.1, () => 20),
    budgets,
    faults: {
      die: sometimes(0.4, () => 1),
      stop: sometimes(0.3, () => 1),
      cut: sometimes(0.6, () => 5),
      stall: large || random.chance(0.3) ? 6 : 0,
      busDown: sometimes(0.3, () => 1),
      databaseAway: sometimes(0.3, () => 1),
      // Servers that run during a restore may know memberships for some seconds that it lost.
      restore: sometimes(membersOnly || isScreened ? 0 : 0.12, () => 1),
      bulk: huge ? 2 : 0,
    },
    faulty: true,
  };
}
