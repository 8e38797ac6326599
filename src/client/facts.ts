import type { JoinedFrame, Notice, Role, RoomKind } from "./message.ts";

/** What a room is, and what the person is in it. */
export interface Facts {
  /** Undefined until the room was joined. */
  readonly kind: RoomKind | undefined;
  /** What people see instead of the name. Empty if it has none. */
  readonly title: string;
  readonly topic: string;
  /** Nobody can post. */
  readonly archived: boolean;
  /** What this person is in the room. Undefined until the room was joined. */
  readonly role: Role | undefined;
}

/** Keeps the facts of a room up to date: a join says them, and notices say what changes. */
export function createFacts(me: () => string | undefined) {
  const unknown: Facts = { kind: undefined, title: "", topic: "", archived: false, role: undefined };
  let facts = unknown;

  return {
    state: () => facts,
    joined({ kind, role, title = "", topic = "", archived }: JoinedFrame) {
      facts = { kind, role, title, topic, archived: archived === true };
    },
    notice({ notice: { type, users, heir, ...change } }: Pick<Notice, "notice">) {
      const { kind = facts.kind, title = facts.title, topic = facts.topic } = change;
      let { role } = facts;
      if (users.some(({ id }) => id === me())) {
        if (type === "role") ({ role } = change);
        if (type === "added" || type === "joined") role = change.role ?? "member";
      }
      if (heir?.id === me()) role = "owner";
      const archived = type === "archived" || (type !== "restored" && facts.archived);
      facts = { kind, title, topic, archived, role };
    },
    drop: () => void (facts = unknown),
  };
}

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
