import { createCipheriv, createDecipheriv, createHmac } from "node:crypto";
import type { Place } from "../eventports.ts";

/** Marks a block as a cursor of this format. */
const FORMAT = 0xe701;
const BYTES = 16;
const FORM = /^[\w-]{22}$/;

/** A place in the journal of one epoch. */
export interface Marked {
  readonly place: Place;
  /** Whether the epoch is still this one. */
  isOf(epoch: string): boolean;
}

/** Turns places into opaque cursors, and back. */
export interface EventCursors {
  write(epoch: string, place: Place): string;
  /** Returns undefined if this is no cursor of this database. */
  read(cursor: string): Marked | undefined;
}

/**
 * A cursor is one encrypted block: two bytes of format, four that stand for the epoch, five for each number. It is encrypted
 * because the numbers would tell people how much is written in rooms that they do not see. `key` lies in the database, so cursors
 * stay valid on each node, after a restart, and in a database that was moved.
 */
export function createEventCursors(key: string): EventCursors {
  const secret = createHmac("sha256", key).update("event cursors").digest().subarray(0, BYTES);
  // A single block, which is never the same for two places: no mode hides more.
  const cipher = createCipheriv("aes-128-ecb", secret, null).setAutoPadding(false);
  const decipher = createDecipheriv("aes-128-ecb", secret, null).setAutoPadding(false);
  const block = Buffer.alloc(BYTES);
  const stampOf = (epoch: string) => Bun.hash.crc32(epoch);

  return {
    write(epoch, { seq, version }) {
      block.writeUInt16BE(FORMAT, 0);
      block.writeUInt32BE(stampOf(epoch), 2);
      block.writeUIntBE(seq, 6, 5);
      block.writeUIntBE(version, 11, 5);
      return cipher.update(block).toString("base64url");
    },
    read(cursor) {
      if (!FORM.test(cursor)) return undefined;
      const found = decipher.update(Buffer.from(cursor, "base64url"));
      if (found.length !== BYTES || found.readUInt16BE(0) !== FORMAT) return undefined;
      const stamp = found.readUInt32BE(2);
      return {
        place: { seq: found.readUIntBE(6, 5), version: found.readUIntBE(11, 5) },
        isOf: (epoch) => stampOf(epoch) === stamp,
      };
    },
  };
}
