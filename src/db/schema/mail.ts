import { sql } from "drizzle-orm";
import { boolean, index, integer, pgTable, text, uuid } from "drizzle-orm/pg-core";
import { at, id, now } from "./columns.ts";

/** Mails that wait to be sent. A mail that was sent, or given up, has no row. */
export const mails = pgTable(
  "mails",
  {
    /** Part of its Message-ID, so that repeats of one mail are one mail to its reader. */
    id: uuid().primaryKey(),
    /** `reset`, `verify`, `change`: with a ticket. `password`, `moved`: what has changed. `digest`: what is unread. */
    kind: text({ enum: ["reset", "verify", "change", "password", "moved", "digest"] }).notNull(),
    address: text().notNull(),
    /** Whom it is for; null: whoever has the address when it is sent, if anybody has. */
    userId: id(),
    /** Of a digest: messages after this time, up to `upto`. */
    after: at(),
    upto: at(),
    createdAt: at().notNull().default(now),
    /** When to try, or when the lease of a node that tries ends. */
    dueAt: at().notNull().default(now),
    /** Identifies who tries. It stays if that node ended meanwhile: then nobody knows whether the mail was sent. */
    lease: uuid(),
    attempts: integer().notNull().default(0),
  },
  (t) => [
    index("mails_due").on(t.dueAt),
    index("mails_address").on(t.address, t.kind),
    index("mails_user").on(t.userId),
  ],
);

/** What links in mails allow, once each. A token is only in its mail; its hash is stored. */
export const tickets = pgTable(
  "tickets",
  {
    /** SHA-256 of the token, base64url. */
    hash: text().primaryKey(),
    kind: text({ enum: ["reset", "verify", "change"] }).notNull(),
    userId: id().notNull(),
    /** Where its mail went. It is void once that is no longer the person's address, unless it changes the address to this one. */
    address: text().notNull(),
    /** The mail, which has a ticket for each attempt. */
    mailId: uuid().notNull(),
    createdAt: at().notNull().default(now),
    expiresAt: at().notNull(),
  },
  (t) => [
    index("tickets_user").on(t.userId),
    index("tickets_address").on(t.address),
    index("tickets_created").on(t.createdAt),
  ],
);

/** Who gets mails about what they have not read: everyone with a verified address. */
export const digests = pgTable(
  "digests",
  {
    userId: id().primaryKey(),
    /** Messages up to this time are done with: they are never mailed again. */
    upto: at().notNull().default(now),
    /** When the last mail was written. */
    sentAt: at(),
    /** When to look next. */
    dueAt: at().notNull().default(now),
    /** The person does not want them. */
    off: boolean().notNull().default(false),
  },
  (t) => [
    index("digests_due")
      .on(t.dueAt)
      .where(sql`not off`),
  ],
);
