import { and, asc, eq, sql } from "drizzle-orm";
import type { Pool } from "./database.ts";
import { apiKeys, origins, rooms } from "./schema.ts";

/** A change that a key made in the name of the server or of a person. */
export interface Made {
  readonly change: string;
  /** The room's version that it took. */
  readonly version: number;
  readonly at: string;
  /** The name of the key. */
  readonly key: string;
}

/** The most changes of one message that are listed. */
const LISTED_MAX = 100;

/** Returns which keys made or changed a message, oldest first. Changes by people themselves are not in it. */
export async function readOrigins(pool: Pool, room: string, messageId: number): Promise<Made[]> {
  const found = await pool.run((orm) =>
    orm
      .select({
        change: origins.change,
        version: origins.version,
        at: origins.at,
        key: sql<string>`coalesce(${apiKeys.name}, 'ADMIN_TOKEN')`,
      })
      .from(origins)
      .innerJoin(rooms, eq(rooms.id, origins.roomId))
      .leftJoin(apiKeys, eq(apiKeys.id, origins.apiKey))
      .where(and(eq(rooms.name, room), eq(origins.messageId, messageId)))
      .orderBy(asc(origins.version))
      .limit(LISTED_MAX),
  );
  return found.map(({ at, ...made }) => ({ ...made, at: at.toISOString() }));
}
