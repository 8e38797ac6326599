import { sql } from "drizzle-orm";
import type { PinRange } from "../chat/ports.ts";
import type { PinChange } from "../chat/room/verdict.ts";
import { type Orm, rows } from "../db/database.ts";
import type { PersonRow } from "../person.ts";
import { PINS_MAX } from "../protocol/membership.ts";
import { atMost, integers, iso, messageAt } from "./sql.ts";

/** Writes the pins that a batch set or took away, while their rooms are locked. */
export async function writePins(
  tx: Orm,
  pins: readonly PinChange[],
  roomIds: ReadonlyMap<string, number>,
): Promise<void> {
  if (pins.length === 0) return;
  await rows(
    tx,
    sql`with changed as materialized (
      select * from unnest(${integers(pins.map(({ room }) => roomIds.get(room) ?? null))},
        ${integers(pins.map(({ id }) => id))}, ${integers(pins.map(({ version }) => version))}) as i(room_id, message_id, version)
    ), pinned as (
      insert into pins (room_id, message_id, version)
      select room_id, message_id, version from changed where version is not null
      on conflict (room_id, message_id) do update set version = excluded.version
    )
    delete from pins p using changed i where i.version is null and p.room_id = i.room_id and p.message_id = i.message_id`,
  );
}

export interface PinRow extends PersonRow {
  readonly id: number;
  readonly version: number;
  readonly at: string;
}

/** Reads which messages are pinned, by whom and when, the latest first. */
export const readPins = (room: string, { before, from }: PinRange) => sql`
  select p.message_id::float8 as id, p.version::float8 as version, ${iso(sql`n.created_at`)} as at, u.username, u.uid, u.name
  from pins p cross join lateral (${messageAt(sql`p.room_id`, sql`p.version`)}) n join users u on u.id = n.sender_id
  where p.room_id = (select id from rooms where name = ${room}::text) and p.version < ${before}::bigint and p.message_id >= ${from}::bigint
  order by p.version desc ${atMost(PINS_MAX)}`;
