import type { History, JoinedFrame, Notice, Role, RoomKind } from "./message.ts";

/** What a room is, and what the person is in it. */
export interface Facts {
  /** Undefined until the room was joined. */
  readonly kind: RoomKind | undefined;
  /** What people see instead of the name. Empty if it has none. */
  readonly title: string;
  readonly topic: string;
  /** Nobody can post. */
  readonly archived: boolean;
  /** What new members see of the past. */
  readonly history: History;
  /** Whether every member may add people. */
  readonly membersAdd: boolean;
  /** Whether members see how far the others have read. In direct rooms they do in any case. */
  readonly receipts: boolean;
  /** What this person is in the room. Undefined until the room was joined. */
  readonly role: Role | undefined;
  /** Until when this person cannot post, ISO 8601. Null: until someone ends it. Undefined or in the past: they can post. */
  readonly mutedUntil: string | null | undefined;
}

const UNKNOWN: Facts = {
  kind: undefined,
  title: "",
  topic: "",
  archived: false,
  history: "all",
  membersAdd: false,
  receipts: false,
  role: undefined,
  mutedUntil: undefined,
};

/** Keeps the facts of a room up to date: a join says them, and notices say what changes. */
export function createFacts(me: () => string | undefined) {
  let facts = UNKNOWN;

  return {
    state: () => facts,
    joined(frame: JoinedFrame) {
      facts = { ...UNKNOWN, ...factsIn(frame) };
    },
    notice({ notice }: Pick<Notice, "notice">) {
      const { type, users, heir } = notice;
      const archived = type === "archived" || (type !== "restored" && facts.archived);
      const { role } = facts;
      facts = { ...facts, ...factsIn(notice), archived, role };
      if (users.some(({ id }) => id === me())) facts = { ...facts, ...seatIn(notice) };
      if (heir?.id === me()) facts = { ...facts, role: "owner" };
    },
    drop: () => void (facts = UNKNOWN),
  };
}

/** The facts that a frame, a notice or a state has. */
export const factsIn = (source: object): Partial<Facts> =>
  Object.fromEntries(Object.entries(source).filter(([name]) => Object.hasOwn(UNKNOWN, name)));

/** What a notice makes of those whom it names, if they are in the room. */
export function seatIn({
  type,
  role = "member",
  until,
}: Notice["notice"]): Partial<Pick<Facts, "role" | "mutedUntil">> {
  if (type === "role" || MOVES[type] === "in") return { role };
  return type === "muted"
    ? { mutedUntil: until ?? null }
    : type === "unmuted"
      ? { mutedUntil: undefined }
      : {};
}

export type Move = "in" | "out" | undefined;

export const MOVES: Readonly<Record<string, Move>> = {
  added: "in",
  joined: "in",
  removed: "out",
  banned: "out",
  left: "out",
};

/** Whether a notice says that this person, or everyone, got into the room or out of it. */
export const moveIn = ({ notice: { type, users } }: Pick<Notice, "notice">, me: string | undefined): Move =>
  type === "deleted" ? "out" : users.some(({ id }) => id === me) ? MOVES[type] : undefined;
