import { gt, inArray, sql } from "drizzle-orm";
import type { Order } from "../order.ts";
import { writeAudit } from "./audit.ts";
import type { Pool } from "./database.ts";
import { meta, rooms } from "./schema.ts";

export interface Meta {
  /** Identifies the history that versions belong to. Renewed after a restore, which makes old versions void. */
  readonly epoch: string;
  /** Identifies this database for ever. It is the issuer of tokens if PUBLIC_URL is not set. */
  readonly instance: string;
  /** The secret for keyed hashes of what was erased. */
  readonly erasureKey: string;
  /** The secret that authenticates what this database's nodes tell each other. */
  readonly busKey: string;
  /** The secret from which the names of private rooms are made. */
  readonly roomKey: string;
  /** The secret that signs the addresses of files. */
  readonly fileKey: string;
  /** The secret that signs the links that end mails. */
  readonly mailKey: string;
}

const randomText = (bytes: number) =>
  Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString("base64url");
const randomId = () => randomText(9);

/** Reads this database's identifiers. Creates missing ones, the same for all nodes that start at once. */
export async function loadMeta(pool: Pool): Promise<Meta> {
  const found = await pool.run(async (orm) => {
    await orm
      .insert(meta)
      .values([
        { name: "epoch", value: randomId() },
        { name: "instance", value: randomId() },
        { name: "erasure_key", value: randomText(32) },
        { name: "bus_key", value: randomText(32) },
        { name: "room_key", value: randomText(32) },
        { name: "file_key", value: randomText(32) },
        { name: "mail_key", value: randomText(32) },
      ])
      .onConflictDoNothing();
    return orm
      .select()
      .from(meta)
      .where(
        inArray(meta.name, [
          "epoch",
          "instance",
          "erasure_key",
          "bus_key",
          "room_key",
          "file_key",
          "mail_key",
        ]),
      );
  });
  const {
    epoch,
    instance,
    erasure_key: erasureKey,
    bus_key: busKey,
    room_key: roomKey,
    file_key: fileKey,
    mail_key: mailKey,
  } = Object.fromEntries(found.map(({ name, value }) => [name, value]));
  if (!epoch || !instance || !erasureKey || !busKey || !roomKey || !fileKey || !mailKey)
    throw new Error("the database lacks one of its own identifiers");
  return { epoch, instance, erasureKey, busKey, roomKey, fileKey, mailKey };
}

/** Replaces the epoch after a restore or a lossy failover. Clients then discard their state and reload. */
export async function renewEpoch(pool: Pool, order: Order): Promise<string> {
  const epoch = randomId();
  await pool.run((orm) =>
    orm.transaction(async (tx) => {
      await tx
        .insert(meta)
        .values({ name: "epoch", value: epoch })
        .onConflictDoUpdate({ target: meta.name, set: { value: epoch } });
      // Nodes may remember fences of the lost history, so the same number must not come again with other rights. At 0 nobody
      // has lost a right.
      await tx
        .update(rooms)
        .set({ fence: sql`${rooms.fence} + 1 + floor(random() * 4294967296)::bigint` })
        .where(gt(rooms.fence, 0));
      await writeAudit(tx, [{ ...order, action: "epoch.renew" }]);
    }),
  );
  return epoch;
}
