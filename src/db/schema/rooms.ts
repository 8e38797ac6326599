import { sql } from "drizzle-orm";
import {
  boolean,
  check,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  unique,
  uuid,
} from "drizzle-orm/pg-core";
import { at, bytewise, id, now } from "./columns.ts";

/** A room and its counter. The row of an open room is created by the first join, message or ban. */
export const rooms = pgTable(
  "rooms",
  {
    id: id().primaryKey().generatedAlwaysAsIdentity(),
    name: bytewise().notNull().unique("rooms_name"),
    /** What the name looks like. Null until someone asks for rooms that look alike. */
    skeleton: text(),
    /** The version of the last change in the room: 1, 2, 3 …, without gaps. */
    version: id().notNull().default(0),
    /** Rises with every member who leaves for good: what is known about its members then may be out of date. */
    leavers: id().notNull().default(0),
    /** Rises with every change that takes a right from someone. A commit that expects another number does not happen. */
    fence: id().notNull().default(0),
    /** `open`: anyone may enter. `private`: its members. `direct`: its members, who stay the same. */
    kind: text({ enum: ["open", "private", "direct"] })
      .notNull()
      .default("open"),
    /** What people see instead of the name. */
    title: text().notNull().default(""),
    topic: text().notNull().default(""),
    /** What a new member sees of the past. */
    history: text({ enum: ["all", "joined"] })
      .notNull()
      .default("all"),
    /** Whether members who are neither owner nor moderator may add people. */
    membersAdd: boolean().notNull().default(false),
    /** Whether members see each other's read marks. */
    receipts: boolean().notNull().default(false),
    archivedAt: at(),
    /** Set while a room is deleted. Its row, its counter and the keys of its changes stay. */
    deletedAt: at(),
    /** What has a version up to this one belongs to an earlier life of the room, and nobody sees it. */
    beginsAfter: id().notNull().default(0),
    /** The messages of an earlier life up to this version have lost their texts and reactions. */
    cleared: id().notNull().default(0),
    /** The id of the newest message that is no notice, and when it was posted. Not indexed, so that commits stay cheap. */
    lastPost: id().notNull().default(0),
    postedAt: at(),
    createdAt: at().notNull().default(now),
    /** Whether there has been a message. An index on `version` itself would have to follow every commit. */
    posted: boolean()
      .notNull()
      .generatedAlwaysAs(sql`version > 0`),
  },
  (t) => [
    index("rooms_skeleton").on(t.skeleton),
    // Lists of all rooms never read the names of private ones.
    index("rooms_listed")
      .on(t.name)
      .where(sql`posted and kind = 'open' and deleted_at is null`),
    index("rooms_unused")
      .on(t.id)
      .where(sql`not posted`),
    // Rooms that were deleted and still have something to clear.
    index("rooms_clearing")
      .on(t.id)
      .where(sql`cleared < begins_after`),
  ],
);

/**
 * A message in its present state. `id` is the version at which it was posted, `version` that of its latest change.
 * No foreign keys: they halve the throughput of a commit, and the rows they would point at are never deleted.
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
    /** How many reactions it has, so that a page can be bounded before they are read. */
    reactionCount: smallint().notNull().default(0),
    /** A change of who may do what, or of the room itself. Such a message has no text and never changes. */
    notice: jsonb(),
    /** A JSON object that belongs to the product. As text, so that it is delivered unchanged. */
    data: text(),
    /** Its files as clients see them, a JSON array. As text, for the same reason. */
    files: text(),
    /** The first message of the thread that it replies in; null: it is in no thread, or begins one. */
    thread: id(),
    /** Whether a reply in a thread is part of the main conversation too. Null outside of threads. */
    alsoRoom: boolean(),
    /** How many rows it has in `mentions`, so that a page can be bounded before they are read. Null: none. */
    mentions: smallint(),
    /** The mentions in it, as they were sent, that reached nobody, a JSON array: a repeat gets the same ack. */
    unreached: text(),
  },
  (t) => [
    primaryKey({ columns: [t.roomId, t.id] }),
    check("messages_notice", sql`notice is null or version = id`),
    unique("messages_client").on(t.roomId, t.senderId, t.clientId),
    index("messages_changed")
      .on(t.roomId, t.version)
      .where(sql`version <> id`),
    // With what summaries of threads need, so that they read nothing else. Messages outside of threads are not in it.
    index("messages_thread")
      .on(t.roomId, t.thread, t.id, t.senderId, t.deletedAt)
      .where(sql`thread is not null`),
  ],
);

/** Every acknowledged change other than a post, including those that changed nothing: this makes them idempotent. */
export const changes = pgTable(
  "changes",
  {
    roomId: id().notNull(),
    senderId: id().notNull(),
    clientId: uuid().notNull(),
    kind: text({ enum: ["edit", "delete", "react", "member", "room", "pin"] }).notNull(),
    /** The message or the notice; 0 if there is none. */
    messageId: id().notNull(),
    /** What else identifies the change: whom it was about, and what it set. */
    target: text().notNull().default(""),
    version: id().notNull(),
    at: at().notNull(),
    /** See `messages.unreached`. */
    unreached: text(),
  },
  (t) => [primaryKey({ columns: [t.roomId, t.senderId, t.clientId] })],
);

/** Whom messages mention. Rows are written with the message, changed by edits, and removed with it. */
export const mentions = pgTable(
  "mentions",
  {
    /** 0: everyone who was a member of the room then. */
    userId: id().notNull(),
    roomId: id().notNull(),
    messageId: id().notNull(),
    senderId: id().notNull(),
    /** The first message of its thread, if it is a reply in a thread alone: that has a read mark of its own. */
    thread: id(),
    /** When the message was posted. */
    at: at().notNull(),
    /** Random, so that a place in a list says nothing about rooms. */
    key: uuid().notNull().defaultRandom(),
  },
  (t) => [
    primaryKey({ columns: [t.userId, t.roomId, t.messageId] }),
    index("mentions_thread")
      .on(t.userId, t.roomId, t.messageId)
      .where(sql`thread is not null`),
    index("mentions_message").on(t.roomId, t.messageId),
    index("mentions_at").on(t.userId, t.at, t.key),
    index("mentions_everyone")
      .on(t.roomId, t.at, t.key)
      .where(sql`user_id = 0`),
  ],
);

/** Reactions of people to messages. */
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

/** Messages that are pinned in their rooms. A message that is deleted leaves them. */
export const pins = pgTable(
  "pins",
  {
    roomId: id().notNull(),
    messageId: id().notNull(),
    /** The id of the notice that says who pinned it and when. */
    version: id().notNull(),
  },
  (t) => [primaryKey({ columns: [t.roomId, t.messageId] })],
);

/** The replies in each thread that nobody has deleted, so that a page of history does not have to count them. */
export const threads = pgTable(
  "threads",
  {
    roomId: id().notNull(),
    rootId: id().notNull(),
    replies: integer().notNull(),
    /** The last reply; null: there is none any more. */
    lastId: id(),
    lastAt: at(),
    /** Who replied last, the latest first. */
    people: id().array().notNull(),
  },
  (t) => [primaryKey({ columns: [t.roomId, t.rootId] })],
);
