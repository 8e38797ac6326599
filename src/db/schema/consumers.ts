import { sql } from "drizzle-orm";
import { customType, index, integer, pgTable, primaryKey, uuid } from "drizzle-orm/pg-core";
import { at, bytewise, id } from "./columns.ts";

/** How far a consumer has come in a room. */
export const cursors = pgTable(
  "cursors",
  {
    consumer: bytewise().notNull(),
    roomId: id().notNull(),
    /** Everything up to this version has been handled. */
    version: id().notNull().default(0),
    /** The end of the batch that is handled next, if an attempt has begun. A repeat has the same one. */
    upto: id(),
    /** Identifies who works on the room. Null: nobody does. */
    lease: uuid(),
    /** When the lease ends, or when to try again after a failure. Null: there is neither. */
    dueAt: at(),
    /** Failures in a row. */
    failures: integer().notNull().default(0),
    /** When the first of them was. */
    failedAt: at(),
  },
  (t) => [
    primaryKey({ columns: [t.consumer, t.roomId] }),
    // Rooms that someone works on or that failed: a few, however many rooms there are.
    index("cursors_due")
      .on(t.consumer, t.dueAt)
      .where(sql`due_at is not null`),
  ],
);

/**
 * The order in which rooms changed, in all rooms together: each row is a range of versions of one room. One transaction at a
 * time appends to it, after the commits, so whoever sees a row sees all before it.
 */
export const journal = pgTable("journal", {
  seq: id().primaryKey(),
  roomId: id().notNull(),
  /** The range begins after this version, */
  after: id().notNull(),
  /** and ends with this one. */
  upto: id().notNull(),
});

const tsvector = customType<{ data: string }>({ dataType: () => "tsvector" });

/**
 * What a message can be found by. A consumer writes it, so that commits do not pay for it; a deletion removes it in its own
 * transaction. Each term begins with the room and the block: see `store/searchindex.ts`.
 */
export const search = pgTable(
  "search",
  {
    roomId: id().notNull(),
    id: id().notNull(),
    /** When the message was posted. */
    at: at().notNull(),
    terms: tsvector().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.roomId, t.id] }),
    // Without a pending list, whose flush would stop everyone who writes.
    index("search_terms").using("gin", t.terms).with({ fastupdate: false }),
  ],
);

/** When the messages of a block of a room were posted that are in the index: the bounds of their times. */
export const searchBlocks = pgTable(
  "search_blocks",
  {
    roomId: id().notNull(),
    block: id().notNull(),
    oldest: at().notNull(),
    newest: at().notNull(),
  },
  (t) => [primaryKey({ columns: [t.roomId, t.block] })],
);
