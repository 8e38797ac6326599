import { pgTable, text } from "drizzle-orm/pg-core";
import { at, id, now } from "./columns.ts";

/** What operators did, and to whom. */
export const audit = pgTable("audit", {
  id: id().primaryKey().generatedAlwaysAsIdentity(),
  at: at().notNull().default(now),
  /** Such as `user.disable`. */
  action: text().notNull(),
  /** By which means the order came. */
  via: text({ enum: ["cli", "http", "socket", "server"] }).notNull(),
  /** Who gave it: an operator's key, the shell's user, or a person. Empty for entries from before. */
  actor: text().notNull().default(""),
  /** From where: a network address or, for commands, the machine's name. Empty if unknown. */
  address: text().notNull().default(""),
  userId: id(),
  roomId: id(),
  messageId: id(),
  /** What else it acted on, such as the id or the name of a key. */
  target: text().notNull().default(""),
  reason: text().notNull().default(""),
});

/** Facts about this database: `epoch` (versions are relative to it) and `instance` (the issuer of its tokens). */
export const meta = pgTable("meta", {
  name: text().primaryKey(),
  value: text().notNull(),
});
