import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  check,
  customType,
  index,
  integer,
  jsonb,
  pgSequence,
  pgTable,
  smallint,
  primaryKey,
  text,
  timestamp,
  unique,
  uuid,
} from "drizzle-orm/pg-core";

// One schema for the three drivers. Ids and versions stay below 2^53, so they are plain numbers everywhere.
const id = () => bigint({ mode: "number" });
const at = () => timestamp({ withTimezone: true, mode: "date" });
const now = sql`clock_timestamp()`;
/** A text that is compared byte by byte, so that all names with one prefix are next to each other in an index. */
const bytewise = customType<{ data: string }>({ dataType: () => 'text collate "C"' });

/** A person: an account of ours (email and password) or an outside identity (issuer and subject). */
export const users = pgTable(
  "users",
  {
    /** 0 is the server itself, which signs what operators do in rooms. */
    id: id().primaryKey().generatedAlwaysAsIdentity(),
    /** The id by which clients and backends know the person. It never changes: the subject of an outside identity, or `u_…`. */
    uid: bytewise()
      .notNull()
      .unique("users_uid")
      .default(
        sql`('u_' || translate(encode(decode(replace(gen_random_uuid()::text, '-', ''), 'hex'), 'base64'), '+/=', '-_'))`,
      ),
    /** What people see. Null: the username. */
    name: text(),
    /** The address of a picture. */
    picture: text(),
    /** Lower case; null for outside identities and deleted accounts. */
    email: text().unique("users_email"),
    username: text().notNull(),
    /** The username in its folded form, by which names are compared. */
    usernameFold: text().notNull().unique("users_username"),
    /** What the username looks like: two names with one skeleton cannot be told apart. Null for names from before. */
    skeleton: text().unique("users_skeleton"),
    /** The skeleton of its capitals as they look, if that is another one: aIice looks like alice. */
    capitals: text(),
    passwordHash: text(),
    issuer: text(),
    subject: text(),
    createdAt: at().notNull().default(now),
    disabledAt: at(),
    /** Since when nobody can sign in to it. An operator can restore it until it is erased. */
    deletedAt: at(),
    /** An erased account keeps its row and its name: its messages stay signed, and nobody else ever gets the name. */
    erasedAt: at(),
  },
  (t) => [
    unique("users_identity").on(t.issuer, t.subject),
    index("users_capitals").on(t.capitals),
    // Read every few seconds, for accounts whose time to be erased has come.
    index("users_deleted")
      .on(t.deletedAt)
      .where(sql`deleted_at is not null and erased_at is null`),
  ],
);

/** One login of one person. A refresh token belongs to a session. */
export const sessions = pgTable(
  "sessions",
  {
    id: uuid().primaryKey(),
    userId: id().notNull(),
    /** The generation of the current refresh token. */
    generation: id().notNull().default(1),
    rotatedAt: at().notNull().default(now),
    expiresAt: at().notNull(),
    revokedAt: at(),
    userAgent: text().notNull().default(""),
    createdAt: at().notNull().default(now),
    usedAt: at().notNull().default(now),
  },
  (t) => [
    index("sessions_user").on(t.userId, t.expiresAt),
    // Live sessions by last use: a person has a limited number, and the least recently used ends first.
    index("sessions_live")
      .on(t.userId, t.usedAt)
      .where(sql`revoked_at is null`),
  ],
);

/** The keys that sign access tokens (Ed25519, a JWK) and refresh tokens (HMAC, base64url). */
export const keys = pgTable("keys", {
  kid: text().primaryKey(),
  kind: text({ enum: ["sign", "refresh"] }).notNull(),
  key: text().notNull(),
  createdAt: at().notNull().default(now),
  /** A retired key no longer signs. It verifies until everything it signed has expired. */
  retiredAt: at(),
  /** A revoked key neither signs nor verifies. */
  revokedAt: at(),
});

/** Links with which one person each may register. The token of a link is shown once; its hash is stored. */
export const registrationLinks = pgTable("registration_links", {
  id: id().primaryKey().generatedAlwaysAsIdentity(),
  /** SHA-256 of the token, base64url. */
  hash: text().notNull().unique("registration_links_hash"),
  createdAt: at().notNull().default(now),
  expiresAt: at().notNull(),
  usedAt: at(),
  /** Who registered with it. */
  userId: id(),
});

/** Tokens of operators, by name. A token is shown once; its hash is stored. */
export const apiKeys = pgTable("api_keys", {
  id: id().primaryKey().generatedAlwaysAsIdentity(),
  name: text().notNull().unique("api_keys_name"),
  scope: text({ enum: ["admin"] }).notNull(),
  /** SHA-256 of the token, base64url. */
  hash: text().notNull().unique("api_keys_hash"),
  createdAt: at().notNull().default(now),
  lastUsedAt: at(),
  revokedAt: at(),
});

/** Erased people who were banned or disabled: a ban outlives the account. */
export const erasedPeople = pgTable(
  "erased_people",
  {
    /** A keyed hash of the email address, or of issuer and subject. */
    hash: text().notNull(),
    userId: id().notNull(),
  },
  (t) => [primaryKey({ columns: [t.hash, t.userId] })],
);

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
    index("rooms_listed")
      .on(t.name)
      .where(sql`posted`),
    index("rooms_unused")
      .on(t.id)
      .where(sql`not posted`),
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
  },
  (t) => [
    primaryKey({ columns: [t.roomId, t.id] }),
    check("messages_notice", sql`notice is null or version = id`),
    unique("messages_client").on(t.roomId, t.senderId, t.clientId),
    index("messages_changed")
      .on(t.roomId, t.version)
      .where(sql`version <> id`),
  ],
);

/** Every acknowledged change other than a post, including those that changed nothing: this makes them idempotent. */
export const changes = pgTable(
  "changes",
  {
    roomId: id().notNull(),
    senderId: id().notNull(),
    clientId: uuid().notNull(),
    kind: text({ enum: ["edit", "delete", "react", "member", "room"] }).notNull(),
    /** The message or the notice; 0 if there is none. */
    messageId: id().notNull(),
    /** What else identifies the change: whom it was about, and what it set. */
    target: text().notNull().default(""),
    version: id().notNull(),
    at: at().notNull(),
  },
  (t) => [primaryKey({ columns: [t.roomId, t.senderId, t.clientId] })],
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

/** Moves with each change of a membership, so that a person's sockets can find out that they missed one. */
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
    index("members_stamp").on(t.userId, t.stamp),
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
  },
  (t) => [primaryKey({ columns: [t.userId, t.roomId] }), index("bans_room").on(t.roomId)],
);

/** What someone keeps about a room for themselves, member or not. It has no version. */
export const own = pgTable(
  "own",
  {
    userId: id().notNull(),
    roomId: id().notNull(),
    /** The id of the last message that was read; it never goes back. */
    lastRead: id().notNull().default(0),
    /** What to be notified about; null: what the room's kind suggests. */
    notify: text({ enum: ["all", "mentions", "none"] }),
    /** Hidden from their list until there is a message with a later id; null: not hidden. */
    hiddenAt: id(),
    pinnedAt: at(),
  },
  (t) => [primaryKey({ columns: [t.userId, t.roomId] })],
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
    id: id().primaryKey().generatedAlwaysAsIdentity(),
    roomId: id().notNull(),
    messageId: id().notNull(),
    reporterId: id().notNull(),
    reason: text().notNull(),
    at: at().notNull().default(now),
    senderId: id().notNull(),
    /** The message's version, text and data when it was reported. */
    version: id().notNull(),
    content: text().notNull(),
    data: text(),
    resolvedAt: at(),
    resolvedBy: id(),
    /** What was done about it. */
    resolution: text().notNull().default(""),
  },
  (t) => [
    unique("reports_once").on(t.roomId, t.messageId, t.reporterId),
    index("reports_open")
      .on(t.roomId, t.id)
      .where(sql`resolved_at is null`),
  ],
);

/** What operators did, and to whom. */
export const audit = pgTable("audit", {
  id: id().primaryKey().generatedAlwaysAsIdentity(),
  at: at().notNull().default(now),
  /** Such as `user.disable`. */
  action: text().notNull(),
  /** By which means the order came. */
  via: text({ enum: ["cli", "http", "socket"] }).notNull(),
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
