import { sql } from "drizzle-orm";
import { index, integer, pgTable, primaryKey, text, unique, uuid } from "drizzle-orm/pg-core";
import { at, bytewise, id, now } from "./columns.ts";

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
    /** When the name and the picture were given: a token that is older does not bring them back. */
    describedAt: at(),
    /** Lower case; null for outside identities and deleted accounts. */
    email: text().unique("users_email"),
    /** Since when the person has proved that they read mails to that address. */
    verifiedAt: at(),
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

/** Keys of operators and backends, by name. The token of a key is shown once; its hash is stored. */
export const apiKeys = pgTable("api_keys", {
  id: id().primaryKey().generatedAlwaysAsIdentity(),
  name: text().notNull().unique("api_keys_name"),
  /** What it may do, separated by spaces. */
  scope: text().notNull(),
  /** SHA-256 of the SHA-256 of the token, base64url; of older keys, which may do everything, the SHA-256 of the token. */
  hash: text().notNull().unique("api_keys_hash"),
  /** How many times the budgets of a person it has. */
  budget: integer().notNull().default(10),
  createdAt: at().notNull().default(now),
  expiresAt: at(),
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
