import { sql } from "drizzle-orm";
import { bigint, index, pgTable, primaryKey, text, timestamp, unique, uuid } from "drizzle-orm/pg-core";

// One schema for the three drivers. Ids and versions stay below 2^53, so that they are plain numbers everywhere.
const id = () => bigint({ mode: "number" });
const at = () => timestamp({ withTimezone: true, mode: "date" });
const now = sql`clock_timestamp()`;

/** A person: an account of ours (email and password) or an outside identity (issuer and subject). */
export const users = pgTable(
  "users",
  {
    id: id().primaryKey().generatedAlwaysAsIdentity(),
    /** Lower case; null for outside identities and deleted accounts. */
    email: text().unique("users_email"),
    username: text().notNull(),
    /** The username as it is compared: two names that fold alike are one. */
    usernameFold: text().notNull().unique("users_username"),
    passwordHash: text(),
    issuer: text(),
    subject: text(),
    createdAt: at().notNull().default(now),
    disabledAt: at(),
    /** A deleted account keeps its row and its name, so that its messages stay signed and the name is never given out again. */
    deletedAt: at(),
  },
  (t) => [unique("users_identity").on(t.issuer, t.subject)],
);

/** One login of one person: what a refresh token belongs to. */
export const sessions = pgTable(
  "sessions",
  {
    id: uuid().primaryKey(),
    userId: id().notNull(),
    /** The generation of the one refresh token that is current. */
    generation: id().notNull().default(1),
    rotatedAt: at().notNull().default(now),
    expiresAt: at().notNull(),
    revokedAt: at(),
    userAgent: text().notNull().default(""),
    createdAt: at().notNull().default(now),
    usedAt: at().notNull().default(now),
  },
  (t) => [index("sessions_user").on(t.userId)],
);

/** The keys that sign access tokens (Ed25519, a JWK) and refresh tokens (HMAC, base64url). */
export const keys = pgTable("keys", {
  kid: text().primaryKey(),
  kind: text({ enum: ["sign", "refresh"] }).notNull(),
  key: text().notNull(),
  createdAt: at().notNull().default(now),
  /** A retired key signs nothing more; it verifies until what it has signed has expired. */
  retiredAt: at(),
});

/** A room and its counter. It comes into being with its first message. */
export const rooms = pgTable("rooms", {
  id: id().primaryKey().generatedAlwaysAsIdentity(),
  name: text().notNull().unique("rooms_name"),
  /** The version of the last change in the room: 1, 2, 3 …, none burnt. */
  version: id().notNull().default(0),
  createdAt: at().notNull().default(now),
});

/**
 * A message in its present state. `id` is the version at which it was posted, `version` that of its latest change.
 * No foreign keys: they halve the throughput of a commit, and what they point at is never deleted.
 */
export const messages = pgTable(
  "messages",
  {
    roomId: id().notNull(),
    id: id().notNull(),
    version: id().notNull(),
    senderId: id().notNull(),
    clientId: uuid().notNull(),
    content: text().notNull(),
    replyTo: id(),
    createdAt: at().notNull(),
    editedAt: at(),
    deletedAt: at(),
  },
  (t) => [
    primaryKey({ columns: [t.roomId, t.id] }),
    unique("messages_client").on(t.roomId, t.senderId, t.clientId),
    index("messages_changed")
      .on(t.roomId, t.version)
      .where(sql`version <> id`),
  ],
);

/** Every amendment (edit, deletion, reaction) that was answered, those that changed nothing too: what makes them idempotent. */
export const changes = pgTable(
  "changes",
  {
    roomId: id().notNull(),
    senderId: id().notNull(),
    clientId: uuid().notNull(),
    kind: text({ enum: ["edit", "delete", "react"] }).notNull(),
    messageId: id().notNull(),
    version: id().notNull(),
    at: at().notNull(),
  },
  (t) => [primaryKey({ columns: [t.roomId, t.senderId, t.clientId] })],
);

/** Who reacted how to which message. */
export const reactions = pgTable(
  "reactions",
  {
    roomId: id().notNull(),
    messageId: id().notNull(),
    userId: id().notNull(),
    emoji: text().notNull(),
  },
  (t) => [primaryKey({ columns: [t.roomId, t.messageId, t.userId, t.emoji] })],
);

/** Whoever has joined a room or posted to it, and how far they have read. */
export const members = pgTable(
  "members",
  {
    userId: id().notNull(),
    roomId: id().notNull(),
    /** The id of the last message that was read; it never goes back. */
    lastRead: id().notNull().default(0),
    /** Set: neither reads, posts nor joins. */
    bannedAt: at(),
    joinedAt: at().notNull().default(now),
  },
  (t) => [
    primaryKey({ columns: [t.userId, t.roomId] }),
    // Where someone is banned is asked with every check of their session.
    index("members_banned")
      .on(t.userId)
      .where(sql`banned_at is not null`),
  ],
);

/** What operators did to whom. */
export const audit = pgTable("audit", {
  id: id().primaryKey().generatedAlwaysAsIdentity(),
  at: at().notNull().default(now),
  /** Such as `user.disable`. */
  action: text().notNull(),
  /** Where the order came from: `cli` or `http`. */
  via: text({ enum: ["cli", "http"] }).notNull(),
  userId: id(),
  roomId: id(),
  messageId: id(),
  reason: text().notNull().default(""),
});

/** Facts of this database: `epoch` (what versions are relative to) and `instance` (the issuer of its tokens). */
export const meta = pgTable("meta", {
  name: text().primaryKey(),
  value: text().notNull(),
});
