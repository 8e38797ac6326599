import { and, eq, isNotNull, isNull, sql } from "drizzle-orm";
import { type Order, writeAudit } from "../db/audit.ts";
import type { Pool } from "../db/database.ts";
import { members, rooms } from "../db/schema.ts";

/** Whom an operator bans from which room, or lets in again. */
interface Ban {
  readonly userId: number;
  readonly room: string;
  readonly order: Order;
}

/**
 * Bans someone from a room, whether they were in it or not; a room that is not there yet is made, so that the ban
 * awaits them. One transaction with its line in the audit; nothing where they are banned already.
 */
export async function ban(pool: Pool, { userId, room: name, order }: Ban): Promise<void> {
  await pool.run((orm) =>
    orm.transaction(async (tx) => {
      await tx.insert(rooms).values({ name }).onConflictDoNothing();
      const [room] = await tx.select({ id: rooms.id }).from(rooms).where(eq(rooms.name, name));
      if (!room) throw new Error("a room that was just made is not there");
      // The time of the transaction. A row that has it twice is the ban's alone: they were never in the room.
      const bannedAt = sql`now()`;
      const banned = await tx
        .insert(members)
        .values({ userId, roomId: room.id, joinedAt: bannedAt, bannedAt })
        .onConflictDoUpdate({
          target: [members.userId, members.roomId],
          set: { bannedAt },
          setWhere: isNull(members.bannedAt),
        })
        .returning({ roomId: members.roomId });
      if (banned.length > 0)
        await writeAudit(tx, [{ ...order, action: "user.ban", userId, roomId: room.id }]);
    }),
  );
}

/** Lets someone into a room again; who was never in it is no member by that. Nothing where they are not banned from it. */
export async function unban(pool: Pool, { userId, room, order }: Ban): Promise<void> {
  await pool.run((orm) =>
    orm.transaction(async (tx) => {
      const named = tx.select({ id: rooms.id }).from(rooms).where(eq(rooms.name, room));
      const theirs = and(
        eq(members.userId, userId),
        eq(members.roomId, sql`${named}`),
        isNotNull(members.bannedAt),
      );
      const roomId = { roomId: members.roomId };
      const neverThere = and(theirs, eq(members.joinedAt, members.bannedAt));
      const [removed] = await tx.delete(members).where(neverThere).returning(roomId);
      const [returned = removed] = await tx
        .update(members)
        .set({ bannedAt: null })
        .where(theirs)
        .returning(roomId);
      if (returned)
        await writeAudit(tx, [{ ...order, action: "user.unban", userId, roomId: returned.roomId }]);
    }),
  );
}
