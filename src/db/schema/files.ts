import { sql } from "drizzle-orm";
import { index, integer, pgTable, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import { at, id, now } from "./columns.ts";

/**
 * A file that someone uploads to a room. Its row is there before the first byte is stored, and after the last one is
 * removed, so nothing is ever stored that no row leads to.
 */
export const files = pgTable(
  "files",
  {
    /** It also names what is stored. Each attempt of an upload has its own. */
    id: uuid().primaryKey(),
    roomId: id().notNull(),
    userId: id().notNull(),
    clientId: uuid().notNull(),
    /**
     * `receiving`: it arrives over several requests. `uploading`: it is being stored. `held`: it is stored, and the scanner has
     * not cleared it yet. `rejected`: the scanner rejected it, and what was stored is removed. `ready`: it is stored, and only its
     * uploader may see it. `attached`: it belongs to a message. `doomed`: what is stored has to be removed, and then this row.
     * `stray`: something is stored under its id that no row led to, and nothing else is known of it.
     */
    state: text({
      enum: ["receiving", "uploading", "held", "rejected", "ready", "attached", "doomed", "stray"],
    })
      .notNull()
      .default("uploading"),
    /** Set once it is attached. */
    messageId: id(),
    name: text().notNull(),
    /** In bytes. Until it is stored: what was announced, or the largest size. */
    size: id().notNull(),
    /** What is known once it is stored: its media type by its content, and SHA-256 in hex. */
    type: text().notNull().default(""),
    hash: text().notNull().default(""),
    /** Only of pictures that have a preview: in pixels, as they are shown. */
    width: integer(),
    height: integer(),
    /** A data: URL. */
    placeholder: text(),
    /** What is stored of it, separated by spaces. */
    variants: text().notNull().default("original"),
    /** The parts of what has arrived so far, in their order: `name:size`, separated by spaces. Only while it is `receiving`. */
    parts: text().notNull().default(""),
    /** When its state began, or when its upload last showed a sign of life. Of a file that is `held`: when to scan it next. */
    at: at().notNull().default(now),
  },
  (t) => [
    // Attempts of one upload may run at the same time. One of them succeeds.
    uniqueIndex("files_client")
      .on(t.roomId, t.userId, t.clientId)
      .where(sql`state in ('held', 'ready', 'attached')`),
    // An upload over several requests is continued, however often it is begun.
    uniqueIndex("files_receiving")
      .on(t.roomId, t.userId, t.clientId)
      .where(sql`state = 'receiving'`),
    // What a person has stored.
    index("files_user")
      .on(t.userId)
      .where(sql`state <> 'doomed'`),
    // What a room has stored, and the files of its messages.
    index("files_room").on(t.roomId, t.messageId),
    // What the collector looks at.
    index("files_due")
      .on(t.at)
      .where(sql`state <> 'attached'`),
  ],
);
