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
      let { role, mutedUntil } = facts;
      if (users.some(({ id }) => id === me())) {
        if (type === "role") ({ role } = notice);
        if (type === "added" || type === "joined") role = notice.role ?? "member";
        if (type === "muted") mutedUntil = notice.until ?? null;
        if (type === "unmuted") mutedUntil = undefined;
      }
      if (heir?.id === me()) role = "owner";
      const archived = type === "archived" || (type !== "restored" && facts.archived);
      facts = { ...facts, ...factsIn(notice), archived, role, mutedUntil };
    },
    drop: () => void (facts = UNKNOWN),
  };
}

/** The facts that a frame or a notice has. */
const factsIn = (source: object): Partial<Facts> =>
  Object.fromEntries(Object.entries(source).filter(([name]) => Object.hasOwn(UNKNOWN, name)));

export type Move = "in" | "out" | undefined;

const MOVES: Readonly<Record<string, Move>> = {
  added: "in",
  joined: "in",
  removed: "out",
  banned: "out",
  left: "out",
};

/** Whether a notice says that this person, or everyone, got into the room or out of it. */
export const moveIn = ({ notice: { type, users } }: Pick<Notice, "notice">, me: string | undefined): Move =>
  type === "deleted" ? "out" : users.some(({ id }) => id === me) ? MOVES[type] : undefined;
