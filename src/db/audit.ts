import { desc, eq, lt } from "drizzle-orm";
import type { Order } from "../order.ts";
import type { Orm, Pool } from "./database.ts";
import { audit, rooms, users } from "./schema.ts";

/** What an operator can do. */
export type Action =
  "user.disable" | "user.enable" | "user.ban" | "user.unban" | "sessions.end" | "message.delete";

/** An order that was carried out, and what it acted on. */
export interface Deed extends Order {
  readonly action: Action;
  readonly userId?: number;
  readonly roomId?: number;
  readonly messageId?: number;
}

/** A deed as the audit shows it, with the present names of people and rooms. */
export interface AuditEntry extends Order {
  readonly id: number;
  readonly at: string;
  readonly action: string;
  readonly username: string | null;
  readonly room: string | null;
  readonly messageId: number | null;
}

/** Records what operators did. Call it in the transaction that does it. */
export async function writeAudit(orm: Orm, deeds: readonly Deed[]): Promise<void> {
  if (deeds.length > 0) await orm.insert(audit).values([...deeds]);
}

/** Returns what operators did, newest first, optionally from before the entry with id `before`. */
export async function readAudit(
  pool: Pool,
  before: number | undefined,
  limit: number,
): Promise<AuditEntry[]> {
  const found = await pool.run((orm) =>
    orm
      .select({
        id: audit.id,
        at: audit.at,
        action: audit.action,
        via: audit.via,
        username: users.username,
        room: rooms.name,
        messageId: audit.messageId,
        reason: audit.reason,
      })
      .from(audit)
      .leftJoin(users, eq(users.id, audit.userId))
      .leftJoin(rooms, eq(rooms.id, audit.roomId))
      .where(before === undefined ? undefined : lt(audit.id, before))
      .orderBy(desc(audit.id))
      .limit(limit),
  );
  return found.map(({ at, ...entry }) => ({ ...entry, at: at.toISOString() }));
}
