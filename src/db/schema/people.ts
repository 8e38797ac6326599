import { sql } from "drizzle-orm";
import {
  boolean,
  index,
  integer,
  pgSequence,
  pgTable,
  primaryKey,
  text,
  unique,
  uuid,
} from "drizzle-orm/pg-core";
import { at, id, now } from "./columns.ts";

/** Moves with each change of a membership: a trigger sees to it. Each node follows it to find out who joined and who left. */
export const memberStamps = pgSequence("member_stamps");

/** Anyone who belongs to a room, and anyone who has left it or was removed. */
export const members = pgTable(
  "members",
  {
    userId: id().notNull(),
    roomId: id().notNull(),
    /** `left`: by themselves. `removed`: by someone else. */
    state: text({ enum: ["in", "left", "removed"] })
      .notNull()
      .default("in"),
    role: text({ enum: ["owner", "moderator", "member"] })
      .notNull()
      .default("member"),
    /** The room's version when they last became a member: what came before is not unread for them. */
    version: id().notNull().default(0),
    /** The version of the latest change of this membership that has one. */
    changed: id().notNull().default(0),
    /** They see messages with this id and later ones. */
    fromId: id().notNull().default(0),
    mutedUntil: at(),
    stamp: id()
      .notNull()
      .default(sql`nextval('member_stamps')`),
    /** When the state began. */
    since: at().notNull().default(now),
  },
  (t) => [
    primaryKey({ columns: [t.userId, t.roomId] }),
    index("members_in")
      .on(t.roomId, t.userId)
      .where(sql`state = 'in'`),
    index("members_room").on(t.roomId),
    // The owners and moderators of a room.
    index("members_staff")
      .on(t.roomId)
      .where(sql`state = 'in' and role <> 'member'`),
    // Each node follows the latest changes of all memberships.
    index("members_stamp").on(t.stamp),
    // Open sockets are checked against it every few seconds.
    index("members_left")
      .on(t.userId, t.since)
      .where(sql`state = 'left'`),
  ],
);

/** People who may neither read, post to nor join a room, members or not. */
export const bans = pgTable(
  "bans",
  {
    userId: id().notNull(),
    roomId: id().notNull(),
    at: at().notNull().default(now),
    /** The version of its notice; 0 if it is from before bans had one. */
    version: id().notNull().default(0),
  },
  (t) => [primaryKey({ columns: [t.userId, t.roomId] }), index("bans_listed").on(t.roomId, t.userId)],
);

/** What someone keeps about a room for themselves, member or not. It has no version. */
export const own = pgTable(
  "own",
  {
    userId: id().notNull(),
    roomId: id().notNull(),
    /** The id of the last message that was read; it never goes back. */
    lastRead: id().notNull().default(0),
    /** The read mark, if the person moved it back from `lastRead` to read on from there; null: it is at `lastRead`. */
    back: id(),
    /** What to be notified about; null: what the room's kind suggests. */
    notify: text({ enum: ["all", "mentions", "none"] }),
    /** Hidden from their list until there is a message with a later id; null: not hidden. */
    hiddenAt: id(),
    pinnedAt: at(),
  },
  (t) => [primaryKey({ columns: [t.userId, t.roomId] })],
);

/** What someone keeps about a thread for themselves. It has no version. */
export const threadOwn = pgTable(
  "thread_own",
  {
    userId: id().notNull(),
    roomId: id().notNull(),
    rootId: id().notNull(),
    /** Whether they want to know about replies. */
    following: boolean().notNull(),
    /** The id of the last reply that was read; it never goes back. */
    lastRead: id().notNull().default(0),
    /** When they last followed, read or replied in it. */
    at: at().notNull().default(now),
  },
  (t) => [
    primaryKey({ columns: [t.userId, t.roomId, t.rootId] }),
    index("thread_own_recent")
      .on(t.userId, t.at)
      .where(sql`following`),
    index("thread_own_room").on(t.roomId, t.rootId),
  ],
);

/** Links with which people add themselves to a room. The token of a link is shown once; its hash is stored. */
export const invitations = pgTable(
  "invitations",
  {
    id: uuid().primaryKey(),
    roomId: id().notNull(),
    /** SHA-256 of the token, base64url. */
    hash: text().notNull().unique("invitations_hash"),
    createdBy: id().notNull(),
    createdAt: at().notNull().default(now),
    /** The room's version at which it was created: it does not bring back anyone who was removed later. */
    version: id().notNull(),
    expiresAt: at().notNull(),
    /** Null: any number of people. */
    maxUses: integer(),
    uses: integer().notNull().default(0),
    revokedAt: at(),
  },
  (t) => [index("invitations_room").on(t.roomId)],
);

/** People who do not want to hear from others. */
export const blocks = pgTable(
  "blocks",
  {
    userId: id().notNull(),
    blockedId: id().notNull(),
    at: at().notNull().default(now),
  },
  (t) => [primaryKey({ columns: [t.userId, t.blockedId] }), index("blocks_blocked").on(t.blockedId)],
);

/** Messages that people reported, as they were then. */
export const reports = pgTable(
  "reports",
  {
    /** Random, so that the moderators of one room do not see how much is reported in others. */
    id: uuid().primaryKey().defaultRandom(),
    roomId: id().notNull(),
    messageId: id().notNull(),
    reporterId: id().notNull(),
    reason: text().notNull(),
    at: at().notNull().default(now),
    senderId: id().notNull(),
    /** The message's version, text and data when it was reported, and what was known of its files, as JSON. */
    version: id().notNull(),
    content: text().notNull(),
    data: text(),
    files: text(),
    resolvedAt: at(),
    resolvedBy: id(),
    /** What was done about it. */
    resolution: text().notNull().default(""),
  },
  (t) => [
    unique("reports_once").on(t.roomId, t.messageId, t.reporterId),
    index("reports_open")
      .on(t.roomId, t.at, t.id)
      .where(sql`resolved_at is null`),
    index("reports_at").on(t.at, t.id),
    index("reports_resolved")
      .on(t.resolvedAt)
      .where(sql`resolved_at is not null`),
  ],
);

/** Messages that someone has saved for themselves. What they may not see any more, or what was deleted, is not shown. */
export const saved = pgTable(
  "saved",
  {
    /** Rises with each: the order of the list. */
    id: id().primaryKey().generatedAlwaysAsIdentity(),
    userId: id().notNull(),
    roomId: id().notNull(),
    messageId: id().notNull(),
    at: at().notNull().default(now),
  },
  (t) => [unique("saved_once").on(t.userId, t.roomId, t.messageId), index("saved_listed").on(t.userId, t.id)],
);
