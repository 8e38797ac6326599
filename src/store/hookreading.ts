import { sql } from "drizzle-orm";
import { type Pool, rows } from "../db/database.ts";
import { bytesOf, type Message } from "../message.ts";
import { columns } from "./page.ts";
import { messageOf, type StateRow } from "./reading.ts";
import { unguessed } from "./sql.ts";

/** What one batch holds at most: versions of its room and, unless it is a single change, bytes. */
const VERSIONS = 100;
const BYTES = 64 * 1024;

/** Changes of a room, in order. */
export interface HookBatch {
  /** It begins after this version, and holds everything up to `upto`. */
  readonly after: number;
  readonly upto: number;
  readonly messages: readonly Message[];
}

interface ChangedRow extends Omit<StateRow, "id"> {
  readonly id: number | null;
  readonly begin: number;
  readonly end: number;
}

/** Reads the batches that webhooks get. */
export interface HookReading {
  /**
   * Reads what happened in a room after a version: each message that was posted or changed then, in its latest state. A message
   * is read with the version at which it was posted although it has changed since, because its receiver has to know it before
   * it changes. `upto`: where the batch ends, if that is known.
   */
  read(roomId: number, after: number, upto: number | null): Promise<HookBatch>;
  /** The number of a room; undefined: there is none with that name. */
  roomId(room: string): Promise<number | undefined>;
}

export function createHookReading(pool: Pool): HookReading {
  return {
    async read(roomId, after, upto) {
      const found = await pool.run((orm) => rows<ChangedRow>(orm, readChanged(roomId, after, upto)));
      const [first] = found;
      if (!first) return { after, upto: after, messages: [] };
      const { begin, end } = first;
      const messages = found.flatMap(({ id, ...row }) => (id === null ? [] : [messageOf({ ...row, id })]));
      if (upto !== null) return { after, upto, messages };
      let bytes = 0;
      const cut = messages.findIndex((message, at) => (bytes += bytesOf(message)) > BYTES && at > 0);
      if (cut === -1) return { after, upto: Math.max(after, end), messages };
      const kept = messages.slice(0, cut);
      return { after, upto: placeOf(kept.at(-1) as Message, begin), messages: kept };
    },
    async roomId(room) {
      const [found] = await pool.run((orm) =>
        rows<{ id: number }>(orm, sql`select id::float8 as id from rooms where name = ${room}::text`),
      );
      return found?.id;
    },
  };
}

/** The version of the batch at which a message has its place. */
const placeOf = ({ id, version }: Message, begin: number) => (id > begin ? id : version);

const readChanged = (roomId: number, after: number, upto: number | null) => sql`
  select r.begin::float8 as begin, r."end"::float8 as "end", x.* from (
    select s.begin, least(s.version, ${upto === null ? sql`s.begin + ${sql.raw(String(VERSIONS))}` : sql`${upto}::bigint`}) as "end"
    from (select version, greatest(${after}::bigint, begins_after) as begin from rooms where id = ${roomId}::bigint) s
  ) r left join lateral (
    select ${columns}, m.place from (
      (select m.*, m.id as place from messages m
        where m.room_id = ${roomId}::bigint and m.id > r.begin and m.id <= r."end" order by m.id)
      union all
      (select m.*, m.version as place from messages m
        where m.room_id = ${roomId}::bigint and m.version > r.begin and m.version <= r."end" and m.version <> m.id
          and ${unguessed(sql`m.id <= r.begin and m.id > (select begins_after from rooms where id = ${roomId}::bigint)`)}
        order by m.version)
    ) m join users u on u.id = m.sender_id
  ) x on true
  order by x.place`;
