import { MOVES, seatIn } from "../facts.ts";
import { shape } from "../frames.ts";
import type { Role, User } from "../message.ts";
import type { PageQuery } from "../page.ts";
import type { Pages } from "./pages.ts";
import { createRoll, type Roll } from "./roll.ts";
import type { Session } from "../session.ts";

/** A member of a room. */
export interface Member extends User {
  readonly role: Role;
  /** Until when they cannot post, ISO 8601. Null: until someone ends it. Absent if they can post. */
  readonly mutedUntil?: string | null | undefined;
  readonly joinedAt: string;
  /** The id up to which they had read when the list was loaded, in rooms whose members see each other's read marks. */
  readonly lastRead?: number | undefined;
  /** The room's version at the latest change of the membership; 0 if none has one. */
  readonly version: number;
}

/** `limit` is 1 to 200 and defaults to 50. */
export interface MembersQuery extends PageQuery {
  /** Only people whose username or name begins like this, in any case. A page can then be short even if more pages follow. */
  readonly q?: string;
}

/**
 * The members of a room: those who were loaded, and those who were added since. In an open room, joining and leaving are not
 * followed.
 */
export type Members = Pages<Member, MembersQuery>;

export const createMembers = (room: string, session: Session): Roll<Member, MembersQuery> =>
  createRoll<Member>(
    { room, session, name: "members" },
    shape("id username name? picture? role:role joinedAt lastRead?:whole version:whole"),
    ({ version, timestamp, notice }, { get, put }) => {
      const { type, users, heir } = notice;
      const change = (id: string, more: Partial<Member>) => {
        const old = get(id);
        if (old) put(id, version, { ...old, ...more, version });
      };
      for (const user of users) {
        const { id } = user;
        const seat = seatIn(notice);
        if (MOVES[type] === "out") put(id, version, undefined);
        else if (MOVES[type])
          put(id, version, { ...user, role: "member", ...seat, joinedAt: timestamp, version });
        else change(id, seat);
      }
      if (heir) change(heir.id, { role: "owner" });
    },
  );

/** Someone who may not enter a room. */
export interface Ban {
  readonly user: User;
  /** Who banned them. Null if that is not known. */
  readonly by: User | null;
  readonly since: string;
}

/** Who is banned from a room, for those who may ban people: those who were loaded, and those who were banned since. */
export type Bans = Pages<Ban>;

export const createBans = (room: string, session: Session): Roll<Ban> =>
  createRoll<Ban>(
    { room, session, name: "bans" },
    shape("user:user since"),
    ({ version, timestamp, by, notice: { type, users } }, { put }) => {
      for (const user of users) {
        if (type === "banned") put(user.id, version, { user, by, since: timestamp });
        if (type === "unbanned") put(user.id, version, undefined);
      }
    },
  );
