import { desc, eq, lt } from "drizzle-orm";
import type { Order } from "../order.ts";
import { type Person, personOf } from "../person.ts";
import type { Orm, Pool } from "./database.ts";
import { audit, rooms, users } from "./schema.ts";

/** What an operator can do. */
export type Action =
  | "account.erase"
  | "account.restore"
  | "api_key.create"
  | "api_key.revoke"
  | "epoch.renew"
  | "hook.change"
  | "hook.create"
  | "hook.delete"
  | "incoming_hook.create"
  | "incoming_hook.revoke"
  | "invitation.revoke"
  | "key.revoke"
  | "key.rotate"
  | "link.create"
  | "member.add"
  | "member.remove"
  | "member.role"
  | "message.delete"
  | "owner.pass"
  | "password.reset"
  | "report.resolve"
  | "room.change"
  | "room.create"
  | "room.delete"
  | "sessions.end"
  | "user.ban"
  | "user.disable"
  | "user.enable"
  | "user.mute"
  | "user.purge"
  | "user.set"
  | "user.unban"
  | "user.unmute";

/** An order that was carried out, and what it acted on. */
export interface Deed extends Order {
  readonly action: Action;
  readonly userId?: number;
  readonly roomId?: number;
  readonly messageId?: number;
  /** What else it acted on: the id of a key, or the name of an operator's key. */
  readonly target?: string;
}

/** A deed as the audit shows it, with the present names of people and rooms. */
export interface AuditEntry extends Order {
  readonly id: number;
  readonly at: string;
  readonly action: string;
  readonly username: string | null;
  readonly user: Person | null;
  readonly room: string | null;
  readonly messageId: number | null;
  /** Empty if there is none. */
  readonly target: string;
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
        actor: audit.actor,
        address: audit.address,
        username: users.username,
        uid: users.uid,
        name: users.name,
        room: rooms.name,
        messageId: audit.messageId,
        target: audit.target,
        reason: audit.reason,
      })
      .from(audit)
      .leftJoin(users, eq(users.id, audit.userId))
      .leftJoin(rooms, eq(rooms.id, audit.roomId))
      .where(before === undefined ? undefined : lt(audit.id, before))
      .orderBy(desc(audit.id))
      .limit(limit),
  );
  return found.map(({ at, uid, name, username, ...entry }) => ({
    ...entry,
    at: at.toISOString(),
    username,
    user: uid === null || username === null ? null : personOf({ uid, name, username }),
  }));
}
