import { index, integer, pgTable, primaryKey, smallint, text, uuid } from "drizzle-orm/pg-core";
import { at, bytewise, id, now } from "./columns.ts";

/** Browsers and devices that get pushes (RFC 8030), each for the person who used it last. */
export const pushDevices = pgTable(
  "push_devices",
  {
    /** A hash of the endpoint. */
    id: bytewise().primaryKey(),
    userId: id().notNull(),
    /** The session that it belongs to, and with which it ends; null for outside identities. */
    sessionId: uuid(),
    /** Whoever knows this address, which the push service gave out, can send to the device. */
    endpoint: text().notNull(),
    /** The keys of the device, base64url: its public key and its secret (RFC 8291). */
    p256dh: text().notNull(),
    auth: text().notNull(),
    /** The `rooms` claim of the token with which it was subscribed, as JSON; null: there was none. */
    grants: text(),
    /** Where a click leads, with `{room}` and `{message}`. Empty: to the page of the server. */
    page: text().notNull().default(""),
    userAgent: text().notNull().default(""),
    createdAt: at().notNull().default(now),
    /** When the device last said that it is there. */
    usedAt: at().notNull().default(now),
  },
  (t) => [index("push_devices_user").on(t.userId, t.usedAt), index("push_devices_session").on(t.sessionId)],
);

/** Hours in which a person gets no pushes, by the clock of their time zone. */
export const quietHours = pgTable("quiet_hours", {
  userId: id().primaryKey(),
  /** Minutes since midnight. */
  begins: smallint().notNull(),
  ends: smallint().notNull(),
  /** As in the IANA database. */
  zone: text().notNull(),
});

/** What a device has been told of a room, or is to be told: one row, however many messages there are. */
export const pushes = pgTable(
  "pushes",
  {
    deviceId: bytewise().notNull(),
    roomId: id().notNull(),
    /** A message that the person wants to hear of: that for which the row was noted, newer ones are read when it is sent. */
    messageId: id().notNull(),
    /** The message that the device shows; 0: none. */
    shownId: id().notNull().default(0),
    /** When the first message after that one came. */
    wantedAt: at().notNull().default(now),
    pushedAt: at(),
    /** When to look at it next: to send, to try again, to withdraw, or to forget it. */
    dueAt: at().notNull(),
    /** Identifies who works on it. Null: nobody does. */
    lease: uuid(),
    /** Failures in a row. */
    failures: integer().notNull().default(0),
  },
  (t) => [
    primaryKey({ columns: [t.deviceId, t.roomId] }),
    index("pushes_due").on(t.dueAt),
    index("pushes_room").on(t.roomId),
  ],
);
