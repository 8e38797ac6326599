import { sql } from "drizzle-orm";
import { index, integer, pgTable, text, uuid } from "drizzle-orm/pg-core";
import { at, bytewise, id, now } from "./columns.ts";

/** URLs of others that get what changes in rooms. How far each has come is in `cursors`, as the consumer `hook:<id>`. */
export const hooks = pgTable("hooks", {
  id: uuid().primaryKey(),
  /** What people call it. */
  name: text().notNull(),
  url: text().notNull(),
  /** Patterns of rooms, JSON. They never change: another pattern would have no cursors. */
  rooms: text().notNull(),
  /** The kinds of changes, JSON. */
  changes: text().notNull(),
  /** The public ids of the people whose mentions it wants, JSON. Null: it wants every message. */
  mentions: text(),
  /** Signs what is sent. It has to be kept as it is, because both sides need it. */
  secret: text().notNull(),
  /** The one before, which signs too until then. */
  oldSecret: text(),
  oldUntil: at(),
  /** `paused`: it goes on from where it was when somebody turns it on. `gone`: its receiver does not want it any more. */
  state: text({ enum: ["on", "paused", "gone"] })
    .notNull()
    .default("on"),
  /** Why it is not on. */
  reason: text(),
  stateAt: at().notNull().default(now),
  createdAt: at().notNull().default(now),
  /** The operator's key that created it. */
  createdBy: text().notNull(),
  /** Set when it is deleted. Its row goes when no server can be using it any more. */
  deletedAt: at(),
});

/** The last attempts to reach hooks. */
export const hookAttempts = pgTable(
  "hook_attempts",
  {
    id: id().primaryKey().generatedAlwaysAsIdentity(),
    hook: uuid().notNull(),
    at: at().notNull(),
    /** Its `webhook-id`. */
    webhook: text().notNull(),
    /** What it was about: a room and its versions, without the first one. Null: it was a ping. */
    room: text(),
    after: id(),
    upto: id(),
    changes: integer().notNull(),
    /** The response's status; null: there was none. */
    status: integer(),
    /** What went wrong. */
    error: text(),
    ms: integer().notNull(),
  },
  (t) => [index("hook_attempts_hook").on(t.hook, t.id)],
);

/** Secret URLs with which others post in a room. */
export const incomingHooks = pgTable(
  "incoming_hooks",
  {
    id: uuid().primaryKey(),
    /** The SHA-256 of the secret in its URL. */
    hash: bytewise().notNull().unique("incoming_hooks_hash"),
    /** The name of its room. */
    room: bytewise().notNull(),
    /** The person who signs what it posts. */
    userId: id().notNull(),
    name: text().notNull(),
    createdAt: at().notNull().default(now),
    createdBy: text().notNull(),
    /** Exact to a minute. */
    usedAt: at(),
    revokedAt: at(),
  },
  (t) => [
    index("incoming_hooks_room")
      .on(t.room)
      .where(sql`revoked_at is null`),
  ],
);
