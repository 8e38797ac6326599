import { index, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
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

/** Which key made a change of a room in the name of the server or of a person. */
export const origins = pgTable(
  "origins",
  {
    roomId: id().notNull(),
    /** The version of the change. */
    version: id().notNull(),
    /** The message that it made or changed, or the notice. */
    messageId: id().notNull(),
    change: text({ enum: ["post", "edit", "delete", "react", "member", "room", "pin"] }).notNull(),
    /** The key's id; 0: ADMIN_TOKEN. */
    apiKey: id().notNull(),
    at: at().notNull(),
  },
  (t) => [primaryKey({ columns: [t.roomId, t.version] }), index("origins_message").on(t.roomId, t.messageId)],
);
