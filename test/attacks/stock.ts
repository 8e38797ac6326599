import { sql } from "drizzle-orm";
import { type Config } from "../../src/config/config.ts";
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
              insert into rooms (name, version, last_post, posted_at)
              values (${room}::text, ${messages}::bigint, ${messages}::bigint, clock_timestamp()) returning id
            )
            insert into messages (room_id, id, version, sender_id, client_id, content, created_at)
            select room.id, n, n, (select id from users where username = 'author'), gen_random_uuid(),
              ${content}::text, clock_timestamp()
            from room, generate_series(1, ${messages}::bigint) n`,
        );
      await fill(ROOMS.heavy, 1_000, "😀".repeat(4_000));
      await fill(ROOMS.long, 20_000, "A message of some forty characters, more or less");
      await fill(ROOMS.popular, ROOMS.populars, "An announcement");
      await rows(
        orm,
        sql`with fans as (
            insert into users (username, username_fold) select 'fan' || n, 'fan' || n from generate_series(1, 50) n returning id
          ), room as (
            update rooms set version = 2 * version where name = ${ROOMS.popular}::text returning id
          ), changed as (
            update messages m set version = m.id + ${ROOMS.populars}::int, reaction_count = 950 from room where m.room_id = room.id returning m.room_id, m.id
          )
          insert into reactions (room_id, message_id, user_id, emoji)
          select changed.room_id, changed.id, fans.id, chr(128512 + n) from changed, fans, generate_series(0, 18) n`,
      );
      await fill(ROOMS.crowded, 1, "Welcome");
      await rows(
        orm,
        sql`with crowd as (
            insert into users (username, username_fold)
            select 'one' || n, 'one' || n from generate_series(1, ${ROOMS.members}::int) n returning id
          )
          insert into members (user_id, room_id, version)
          select crowd.id, r.id, 1 from crowd, rooms r where r.name = ${ROOMS.crowded}::text`,
      );
      await rows(
        orm,
        sql`insert into rooms (name, version) select ${ROOMS.crowd}::text || n, 1 from generate_series(0, ${ROOMS.crowds - 1}::int) n`,
      );
    });
  } finally {
    await database.close();
  }
}
