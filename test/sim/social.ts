import {
  type BlockStore,
  FENCED,
  type Fenced,
  type Invitation,
  INVITATIONS_MAX,
  type InvitationStore,
  type NewInvitation,
  type Permitted,
} from "../../src/chat/moderationports.ts";
import type { LinkRow } from "./pacts.ts";
import type { Rows } from "./rows.ts";
import { EPOCH_MS } from "./schedule.ts";

interface SocialOptions {
  readonly rows: Rows;
  readonly now: () => number;
  fail(sentence: string, detail: string): void;
}

type Scope = Parameters<InvitationStore["revoke"]>[2];

/** Blocks and links in the model of the database: the contracts of {@link BlockStore} and {@link InvitationStore}. */
export function createSocial({ rows, now, fail }: SocialOptions) {
  const { order, pacts, people, factsOf } = rows;

  const isWithout = ({ room, createdBy: userId }: LinkRow) => {
    const { state, banned } = people.seatOf({ userId, room });
    return state === "removed" || banned;
  };
  const isValid = (link: LinkRow) =>
    !link.revoked &&
    !isWithout(link) &&
    link.expiresAt > EPOCH_MS + now() &&
    (link.maxUses === null || link.uses < link.maxUses) &&
    link.version >= factsOf(link.room).beginsAfter;

  /** Whether the rights with which a request was permitted still stand. */
  const stands = ({ room, fence }: Permitted) => rows.exists(room) && factsOf(room).fence === fence;

  /** Whether someone is an owner or a moderator, and whether they may add people, as the notices say. */
  const rightsOf = ({ userId, room }: Permitted) => {
    const { kind, deleted, membersAdd } = order.facts(rows.epoch, room);
    const { state, banned, role } = order.standing(rows.epoch, room, userId);
    const isIn = kind === "private" && !deleted && !banned && state === "in";
    const isStaff = isIn && role !== "member";
    return { isStaff, mayAdd: isStaff || (isIn && membersAdd) };
  };

  return {
    block(...[userId, blockedId]: Parameters<BlockStore["block"]>): void {
      if (pacts.blocks().includes(`${userId} ${blockedId}`)) return;
      rows.writePact({ userId, blockedId, isBlocked: true });
      for (const room of rows.names()) {
        const facts = factsOf(room);
        const members = people.members(room);
        const isTheirs = [userId, blockedId].every((one) => members.includes(one));
        if (facts.kind === "direct" && members.length === 2 && isTheirs)
          rows.write({ room, facts: { ...facts, fence: facts.fence + 1 } });
      }
    },
    unblock(userId: number, blockedId: number): void {
      if (pacts.blocks().includes(`${userId} ${blockedId}`))
        rows.writePact({ userId, blockedId, isBlocked: false });
    },
    create(
      by: Permitted,
      { id, hash, ttlMs, maxUses }: NewInvitation,
    ): Omit<Invitation, "by"> | Fenced | null {
      if (!stands(by)) return FENCED;
      const { userId: createdBy, room } = by;
      if (!rightsOf(by).mayAdd)
        fail("a link was created by someone who may not add people", `${createdBy} in ${room}`);
      const all = pacts.links();
      const theirs = all.filter(
        (link) => link.room === room && link.createdBy === createdBy && isValid(link),
      );
      const before = all.find((link) => link.id === id && !link.revoked);
      if (!before && theirs.length >= INVITATIONS_MAX) return null;
      // A repeat gets another token, and the one before leads nowhere any more.
      if (before) rows.writePact({ link: { ...before, revoked: true } });
      const expiresAt = Math.floor(EPOCH_MS + now() + ttlMs);
      const { version } = factsOf(room);
      const link = before
        ? { ...before, hash }
        : { id, hash, room, createdBy, version, expiresAt, maxUses, uses: 0, revoked: false };
      rows.writePact({ link });
      const iso = (ms: number) => new Date(ms).toISOString();
      return {
        id,
        createdAt: iso(EPOCH_MS + now()),
        expiresAt: iso(link.expiresAt),
        maxUses,
        uses: link.uses,
      };
    },
    revoke(by: Permitted, id: string, scope: Scope): boolean | Fenced {
      if (!stands(by)) return FENCED;
      const link = pacts.links().find((one) => one.id === id && one.room === by.room && isValid(one));
      if (!link || (scope === "own" && link.createdBy !== by.userId)) return false;
      const { isStaff, mayAdd } = rightsOf(by);
      if (!isStaff && !(mayAdd && link.createdBy === by.userId))
        fail("a link was revoked by someone who may not do that", `${by.userId} in ${by.room}`);
      rows.writePact({ link: { ...link, revoked: true } });
      return true;
    },
    /** `isLax`: what the commit checks again is not checked here. */
    roomOf(hash: string, userId: number, isLax: boolean): string | undefined {
      const link = pacts.link(hash);
      if (!link || factsOf(link.room).deleted) return undefined;
      return isLax || isValid(link) || people.isMember({ userId, room: link.room }) ? link.room : undefined;
    },
    /** What a commit reads about blocks and links while it holds the lock of the room. */
    state: () => ({
      blocks: new Set(pacts.blocks()),
      links: new Map(
        pacts.links().map((link) => {
          const { hash, room, version, expiresAt, maxUses, uses, revoked } = link;
          const left = maxUses === null ? null : maxUses - uses;
          return [hash, { room, version, expiresAt, left, revoked: revoked || isWithout(link) }];
        }),
      ),
    }),
    /** Writes what a decision did to links. */
    record(redeemed: readonly string[], emptied: Iterable<string>): void {
      for (const hash of redeemed) {
        const link = pacts.link(hash);
        if (link) rows.writePact({ link: { ...link, uses: link.uses + 1 } });
      }
      for (const room of emptied)
        for (const link of pacts.links())
          if (link.room === room && !link.revoked) rows.writePact({ link: { ...link, revoked: true } });
    },
  };
}

export type Social = ReturnType<typeof createSocial>;
