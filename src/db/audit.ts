import { desc, eq, lt } from "drizzle-orm";
import type { Orm, Pool } from "./database.ts";
import { audit, rooms, users } from "./schema.ts";

/** What an operator can do to someone or something. */
export type Action =
  "user.disable" | "user.enable" | "user.ban" | "user.unban" | "sessions.end" | "message.delete";

/** An operator's word that something be done. */
export interface Order {
  /** Where it came from. */
  readonly via: "cli" | "http";
  /** Empty where none was given. */
  readonly reason: string;
}

/** An order that was carried out, and on what. */
export interface Deed extends Order {
  readonly action: Action;
  readonly userId?: number;
  readonly roomId?: number;
  readonly messageId?: number;
}

/** A deed as it is read; people and rooms by the names they have now. */
export interface AuditEntry extends Order {
  readonly id: number;
  readonly at: string;
  readonly action: string;
  readonly username: string | null;
  readonly room: string | null;
  readonly messageId: number | null;
}

/** Writes down what operators did; to be called in the transaction in which it is done. */
export async function writeAudit(orm: Orm, deeds: readonly Deed[]): Promise<void> {
  if (deeds.length > 0) await orm.insert(audit).values([...deeds]);
}

/** What operators did, the newest first; `before` an entry's id, where it is given. */
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
