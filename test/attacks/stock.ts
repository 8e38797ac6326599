import { sql } from "drizzle-orm";
import { type Config } from "../../src/config.ts";
import { rows } from "../../src/db/database.ts";
import { openDatabase } from "../../src/db/open.ts";
import { ROOMS } from "./target.ts";

/** Fills a new database with the rooms that attacks read from. */
export async function stock(config: Config): Promise<void> {
  const database = await openDatabase(config);
  try {
    await database.run(async (orm) => {
      await rows(orm, sql`insert into users (username, username_fold) values ('author', 'author')`);
      const fill = (room: string, messages: number, content: string) =>
        rows(
          orm,
          sql`with room as (
              insert into rooms (name, version) values (${room}::text, ${messages}::bigint) returning id
            )
            insert into messages (room_id, id, version, sender_id, client_id, content, created_at)
            select room.id, n, n, (select id from users where username = 'author'), gen_random_uuid(),
              ${content}::text, clock_timestamp()
            from room, generate_series(1, ${messages}::bigint) n`,
        );
      await fill(ROOMS.heavy, 1_000, "😀".repeat(4_000));
      await fill(ROOMS.long, 20_000, "A message of some forty characters, more or less");
      await rows(
        orm,
        sql`insert into rooms (name, version) select ${ROOMS.crowd}::text || n, 1 from generate_series(0, ${ROOMS.crowds - 1}::int) n`,
      );
    });
  } finally {
    await database.close();
  }
}
