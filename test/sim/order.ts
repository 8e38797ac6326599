/**
 * Who may read and change a room at each version of its order, as its notices say. The judge's own reading of the rules:
 * it shares no code with those under test.
 */
export type Kind = "open" | "private" | "direct";
export type Role = "owner" | "moderator" | "member";

/** Something holds from a version on. `step`: steps of all rooms are numbered in the order in which they were taken. */
interface Step {
  readonly version: number;
  readonly step: number;
}

/** A room from a version on. */
export interface Facts extends Step {
  readonly exists: boolean;
  readonly kind: Kind;
  readonly archived: boolean;
  readonly deleted: boolean;
  readonly history: "all" | "joined";
  readonly membersAdd: boolean;
  /** Messages up to this id belong to an earlier life of the room. */
  readonly beginsAfter: number;
  /** Nobody may read the room without being a member, whatever its kind. */
  readonly membersOnly: boolean;
}

/** One person in a room from a version on. */
export interface Standing extends Step {
  readonly state: "none" | "in" | "left" | "removed";
  readonly role: Role;
  readonly banned: boolean;
  /** In virtual milliseconds; null: not muted. */
  readonly mutedUntil: number | null;
  /** The first message that they may see. */
  readonly from: number;
}

/** A time in which one person could read a room: from one version up to, but not including, another. */
export interface Span {
  readonly begins: number;
  readonly ends: number;
  readonly from: number;
}

const OPEN: Facts = {
  version: 0,
  step: 0,
  exists: true,
  kind: "open",
  archived: false,
  deleted: false,
  history: "all",
  membersAdd: false,
  beginsAfter: 0,
  membersOnly: false,
};
/** A name that the server would have given, and has not. */
const SECRET: Facts = { ...OPEN, exists: false, kind: "private" };
const NOBODY: Standing = {
  version: 0,
  step: 0,
  state: "none",
  role: "member",
  banned: false,
  mutedUntil: null,
  from: 0,
};

/** One room's order in one epoch. */
interface RoomOrder {
  readonly facts: Facts[];
  readonly people: Map<number, Standing[]>;
  readonly spans: Map<number, readonly Span[]>;
}

/** The last entry up to a step, or up to a version. */
const at = <T extends Step>(entries: readonly T[], step: number): T | undefined =>
  entries.findLast((entry) => entry.step <= step);
const atVersion = <T extends Step>(entries: readonly T[], version: number): T | undefined =>
  entries.findLast((entry) => entry.version <= version);

export const mayRead = (facts: Facts, { state, banned }: Pick<Standing, "state" | "banned">) =>
  facts.exists &&
  !facts.deleted &&
  !banned &&
  (state === "in" || (facts.kind === "open" && !facts.membersOnly));

/** The first message that someone may see. */
export const firstIdOf = (facts: Facts, { from }: Standing) => Math.max(from, facts.beginsAfter + 1);

/** `membersOnly`: open rooms are open to their members alone. */
export function createOrder(membersOnly: boolean) {
  let rooms = new Map<string, RoomOrder>();
  let steps = 0;
  const epochs = new Map<string, Map<string, RoomOrder>>();

  const beginningOf = (room: string): Facts => ({ ...(room.startsWith("~") ? SECRET : OPEN), membersOnly });

  const ofRoom = (room: string): RoomOrder => {
    const found = rooms.get(room) ?? { facts: [beginningOf(room)], people: new Map(), spans: new Map() };
    rooms.set(room, found);
    return found;
  };

  const spansOf = (order: RoomOrder, userId: number): readonly Span[] => {
    const known = order.spans.get(userId);
    if (known) return known;
    const theirs = order.people.get(userId) ?? [];
    const versions = [...new Set([0, ...[...order.facts, ...theirs].map(({ version }) => version)])];
    versions.sort((one, other) => one - other);
    const spans: Span[] = [];
    versions.forEach((version, index) => {
      const facts = atVersion(order.facts, version) as Facts;
      const standing = atVersion(theirs, version) ?? NOBODY;
      if (!mayRead(facts, standing)) return;
      const from = firstIdOf(facts, standing);
      const ends = versions[index + 1] ?? Number.POSITIVE_INFINITY;
      const last = spans.at(-1);
      if (last && last.ends === version && last.from === from) spans[spans.length - 1] = { ...last, ends };
      else spans.push({ begins: version, ends, from });
    });
    order.spans.set(userId, spans);
    return spans;
  };

  const orderOf = (epoch: string, room: string) => epochs.get(epoch)?.get(room);

  return {
    /** Another epoch begins, without rooms. */
    begin(epoch: string) {
      rooms = new Map();
      epochs.set(epoch, rooms);
    },
    setFacts(room: string, version: number, facts: Partial<Omit<Facts, keyof Step>>) {
      const order = ofRoom(room);
      order.facts.push({ ...(order.facts.at(-1) as Facts), exists: true, ...facts, version, step: ++steps });
      order.spans.clear();
    },
    setStanding(
      room: string,
      userId: number,
      version: number,
      standing: Partial<Omit<Standing, keyof Step>>,
    ) {
      const order = ofRoom(room);
      const theirs = order.people.get(userId) ?? [];
      order.people.set(userId, theirs);
      theirs.push({ ...(theirs.at(-1) ?? NOBODY), ...standing, version, step: ++steps });
      order.spans.delete(userId);
    },
    /** Takes a step of what is not a change of a room. */
    tick: () => ++steps,
    /** The latest step. */
    get step() {
      return steps;
    },
    facts: (epoch: string, room: string, step = Number.POSITIVE_INFINITY): Facts =>
      at(orderOf(epoch, room)?.facts ?? [], step) ?? beginningOf(room),
    standing: (epoch: string, room: string, userId: number, step = Number.POSITIVE_INFINITY): Standing =>
      at(orderOf(epoch, room)?.people.get(userId) ?? [], step) ?? NOBODY,
    /** The last step of a room up to a version. */
    stepAt(epoch: string, room: string, version: number): number {
      const order = orderOf(epoch, room);
      const all = [...(order?.facts ?? []), ...(order ? [...order.people.values()].flat() : [])];
      return all.reduce((last, each) => (each.version <= version ? Math.max(last, each.step) : last), 0);
    },
    /** The steps since one at which someone's rights in a room, or anyone's, may have changed, and that one. */
    since(epoch: string, room: string, userId: number | undefined, step: number): number[] {
      const order = orderOf(epoch, room);
      const theirs =
        userId === undefined ? [...(order?.people.values() ?? [])].flat() : order?.people.get(userId);
      const all = [...(order?.facts ?? []), ...(theirs ?? [])];
      return [step, ...all.map((each) => each.step).filter((each) => each > step)];
    },
    /** Undefined: nobody ever gained or lost a right in this room, so everyone may read all of it. */
    spans(epoch: string, room: string, userId: number): readonly Span[] | undefined {
      const order = orderOf(epoch, room);
      return order && spansOf(order, userId);
    },
    /** Whether a notice of the present epoch was ever about someone. */
    isKnown: (room: string, userId: number): boolean => rooms.get(room)?.people.has(userId) === true,
    /** Whether anything was ever decided about a room or its people. */
    isRuled: (epoch: string, room: string): boolean =>
      (orderOf(epoch, room)?.facts.length ?? 0) > 1 || (orderOf(epoch, room)?.people.size ?? 0) > 0,
    /** The members of a room at a step. */
    members: (epoch: string, room: string, step = Number.POSITIVE_INFINITY): [number, Standing][] =>
      [...(orderOf(epoch, room)?.people ?? [])]
        .map(([userId, theirs]): [number, Standing] => [userId, at(theirs, step) ?? NOBODY])
        .filter(([, { state }]) => state === "in"),
    rooms: (): string[] => [...rooms.keys()],
  };
}

export type Order = ReturnType<typeof createOrder>;
