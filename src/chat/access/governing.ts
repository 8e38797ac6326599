import { ownerOf } from "../../budgets.ts";
import { Refusal } from "../../errors.ts";
import type { Identity } from "../../identity.ts";
import type { Places } from "../../limits/places.ts";
import type { Role } from "../../protocol/membership.ts";
import type { Ack } from "../change.ts";
import type { BanPage, BanRange, ListStore, MemberPage, MemberRange } from "../lists.ts";
import type { Pass } from "../pass.ts";
import type { Action } from "../rights.ts";
import type { Access } from "./access.ts";
import type { Memberships } from "./memberships.ts";
import type { Wish } from "./submit.ts";

/** Someone becomes a member, or gets a role. */
export interface MemberChange {
  readonly userId: number;
  readonly clientId: string;
  /** Without one, they become a member, and stay what they are if they are one. */
  readonly role?: Role | undefined;
  readonly ifVersion?: number | undefined;
}

/** Who is in rooms, beyond single changes. */
export interface Governing {
  /**
   * Makes someone a member, or changes a member's role. A repeat with the same clientId resolves to the first ack. The audit
   * has the network `address`. @throws {Refusal}
   */
  appoint(person: Identity, room: string, appointing: MemberChange, address?: string): Promise<Ack>;
  /**
   * Lists members of a room by user id. If one of two people blocks the other, neither sees how far the other has read.
   * @throws {Refusal} forbidden and so on, busy, unavailable.
   */
  members(pass: Pass<"members">, range: MemberRange): Promise<MemberPage>;
  /** Lists the bans of a room by user id. @throws {Refusal} as `members`. */
  bans(pass: Pass<"ban">, range: BanRange): Promise<BanPage>;
}

/** How often a page of members or bans is read again, because rights in its room change all the time. */
const ROUNDS = 5;

interface GoverningParts {
  readonly store: Pick<ListStore, "members" | "bans">;
  readonly access: Pick<Access, "reenter">;
  readonly memberships: Pick<Memberships, "read">;
  readonly reads: Places;
  submit(person: Identity, room: string, wish: Wish, address?: string): Promise<Ack>;
}

export function createGoverning({ store, access, memberships, reads, submit }: GoverningParts): Governing {
  /** Reads a page with the rights of a pass. If they changed before it, reads them again first. */
  const current = async <A extends Action, P extends { readonly fence: number }>(
    pass: Pass<A>,
    action: A,
    read: () => Promise<P>,
  ): Promise<{ readonly page: P; readonly held: Pass<A> }> => {
    const { person, room } = pass;
    let held = pass;
    for (let round = 0; round < ROUNDS; round++) {
      const page = await reads.run(ownerOf(person), read);
      if (page.fence <= held.membership.fence) return { page, held };
      held = await access.reenter(person, room, action);
    }
    throw new Refusal("busy");
  };

  return {
    async appoint(person, room, { userId, role, ...appointing }, address) {
      const wish = (set: "in" | "role"): Wish => ({
        kind: "member",
        set,
        users: [userId],
        role,
        ...appointing,
      });
      const { state } = await memberships.read({ userId, room });
      if (role === undefined || state !== "in") return submit(person, room, wish("in"), address);
      try {
        return await submit(person, room, wish("role"), address);
      } catch (error) {
        if (!(error instanceof Refusal) || error.code !== "client_id_reused") throw error;
        // A repeat of what made them a member, which they are by now.
        return submit(person, room, wish("in"), address);
      }
    },
    async members(pass, range) {
      const { page, held } = await current(pass, "members", () => store.members(pass.room, range));
      // A block in memory may be over: its end moves no fence.
      const isBlocked =
        held.membership.blocked && (await access.reenter(pass.person, pass.room)).membership.blocked;
      if (!isBlocked) return page;
      return { ...page, members: page.members.map(({ lastRead: _, ...member }) => member) };
    },
    bans: async (pass, range) => (await current(pass, "ban", () => store.bans(pass.room, range))).page,
  };
}
