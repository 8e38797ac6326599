import { sql } from "drizzle-orm";
import { runOrRefuse } from "../db/away.ts";
import type { FileLookup } from "../chat/ports.ts";
import { type Database, type Pool, rows, sqlState } from "../db/database.ts";
import { ago, fromNow } from "../db/time.ts";
import type { Attempt, FileStore, Quotas, Sizes, StoredFile } from "../files/ports.ts";
import { SYSTEM_ID } from "../identity.ts";
import { uuids } from "./sql.ts";

/** Files that one statement gives up, or returns to be removed. */
const BATCH = 100;
/** What a file counts as in quotas at least, in bytes, because it has a row as well. */
const COUNTED_MIN = 1024;
const UNIQUE_VIOLATION = "23505";

interface FileRow {
  readonly id: string;
  readonly name: string;
  readonly size: number;
  readonly hash: string;
  readonly type: string;
  readonly width: number | null;
  readonly height: number | null;
  readonly placeholder: string | null;
  readonly variants: string;
  readonly held: boolean;
}

const columns = sql.raw(
  "f.id::text as id, f.name, f.size::float8 as size, f.hash, f.type, f.width, f.height, f.placeholder, f.variants, f.state = 'held' as held",
);

/** Finds the files of a room that someone may see. */
export const createFileLookup = (pool: Pool): FileLookup => ({
  async visible({ userId, room }, from, ids) {
    const found = await runOrRefuse(pool, (orm) =>
      rows<{ fence: number; id: string | null; variants: string }>(
        orm,
        sql`select coalesce(r.fence, 0)::float8 as fence, f.id::text as id, f.variants
          from (select 1) one left join rooms r on r.name = ${room}::text
          left join files f on f.id = any(${uuids(ids)}) and f.room_id = r.id and (
            f.state = 'attached' and f.message_id >= ${from}::bigint
            or f.state = 'ready' and f.user_id = ${userId}::bigint)`,
      ),
    );
    return {
      fence: found[0]?.fence ?? 0,
      files: found.flatMap(({ id, variants }) => (id === null ? [] : [{ id, sizes: sizesOf(variants) }])),
    };
  },
  unsent: (userId, ids) =>
    runOrRefuse(pool, (orm) =>
      rows(
        orm,
        sql`select f.id::text as id, f.name, f.type, f.size::float8 as size from files f
          where f.id = any(${uuids(ids)}) and f.user_id = ${userId}::bigint
            and f.state in ('held', 'rejected', 'ready')`,
      ),
    ),
});

/** The rows of files in SQL, with any driver. Attaching them to messages is a part of their commit: see attaching.ts. */
export function createFileStore(database: Database): FileStore {
  const run = <T>(statement: ReturnType<typeof sql>) =>
    runOrRefuse(database, (orm) => rows<T>(orm, statement));

  return {
    async find({ room, userId, clientId }) {
      const [found] = await run<FileRow>(sql`
        select ${columns} from files f
        where f.room_id = (select id from rooms where name = ${room}::text) and f.user_id = ${userId}::bigint
          and f.client_id = ${clientId}::text::uuid and f.state in ('held', 'ready', 'attached')`);
      return found && fileOf(found);
    },

    async begin(attempt, quotas) {
      const [row] = await run<{ fits: boolean }>(beginning(attempt, quotas, "uploading"));
      if (!row) return "no_room";
      return row.fits ? "begun" : "full";
    },

    async keep(id) {
      const kept = await run(sql`update files set at = clock_timestamp()
        where id = ${id}::text::uuid and state = 'uploading' returning true as kept`);
      return kept.length > 0;
    },

    async complete(id, { size, hash, type, picture, sizes }, heldMs) {
      const began =
        heldMs === undefined
          ? sql`state = 'ready', at = clock_timestamp()`
          : sql`state = 'held', at = ${fromNow(heldMs)}`;
      try {
        const done = await run(sql`update files set ${began}, size = ${size}::bigint,
            hash = ${hash}::text, type = ${type}::text, width = ${picture?.width ?? null}::int,
            height = ${picture?.height ?? null}::int, placeholder = ${picture?.placeholder ?? null}::text,
            variants = ${variantsOf(sizes)}::text
          where id = ${id}::text::uuid and state = 'uploading' returning true as done`);
        return done.length > 0 ? "done" : "gone";
      } catch (error) {
        if (sqlState(error) === UNIQUE_VIOLATION) return "taken";
        throw error;
      }
    },

    async giveUp(id) {
      const [before] = await run<{ state: string }>(sql`
        with before as materialized (select id, state from files where id = ${id}::text::uuid for update), given as (
          update files f set at = clock_timestamp(), state = case when b.state = 'uploading' then 'doomed' else b.state end
          from before b where f.id = b.id
        )
        select state from before`);
      return before !== undefined && before.state !== "doomed";
    },

    async servable(id) {
      if (!isUuid(id)) return undefined;
      const [found] = await run<FileRow>(sql`
        select ${columns} from files f where f.id = ${id}::text::uuid and f.state in ('ready', 'attached')`);
      return found && fileOf(found);
    },

    async expire({ silentMs, unsentMs, strayMs }) {
      // Rows that someone else holds are being completed or attached.
      const gone = await run(sql`update files set state = 'doomed', at = clock_timestamp()
        where id in (
          select id from files
          where state = 'uploading' and at < ${ago(silentMs)}
            or state in ('receiving', 'held', 'rejected', 'ready') and at < ${ago(unsentMs)}
            or state = 'stray' and at < ${ago(strayMs)}
          order by at limit ${BATCH}::int for update skip locked
        ) returning true as gone`);
      return gone.length;
    },

    async adopt(ids) {
      // Nobody's and of no room: whose it was, no row says.
      const adopted = await run(sql`insert into files (id, room_id, user_id, client_id, state, name, size)
        select s.id, 0, 0, s.id, 'stray', '', 0 from unnest(${uuids(ids)}) as s(id)
        where not exists (select from files f where f.id = s.id)
        on conflict do nothing returning true as adopted`);
      return adopted.length;
    },

    async doomed() {
      const found = await run<{ id: string }>(
        sql`select id::text as id from files where state = 'doomed' order by at limit ${BATCH}::int`,
      );
      return found.map(({ id }) => id);
    },

    async forget(ids) {
      await run(sql`delete from files where id = any(${uuids(ids)}) and state = 'doomed'`);
    },

    count: () =>
      run(
        sql`select state, count(*)::float8 as files, coalesce(sum(size), 0)::float8 as bytes from files group by state`,
      ),

    async postpone(ids) {
      await run(
        sql`update files set at = clock_timestamp() where id = any(${uuids(ids)}) and state = 'doomed'`,
      );
    },
  };
}

/**
 * Begins a file in this state, if there is such a room and it fits into the quotas: the server, in whose name backends
 * act, has only that of the room. Returns a row with `fits` if there is. An
 * upload over several requests is begun once.
 */
export const beginning = (
  { id, room, userId, clientId, name, size }: Attempt,
  quotas: Quotas,
  state: "uploading" | "receiving",
) => {
  const counted = sql`coalesce(sum(greatest(f.size, ${COUNTED_MIN}::bigint)), 0)`;
  return sql`
    with room as materialized (select id from rooms where name = ${room}::text), judged as materialized (
      select room.id,
        (${userId}::bigint = ${SYSTEM_ID} or
          (select ${counted} from files f where f.user_id = ${userId}::bigint and f.state <> 'doomed') + ${size}::bigint
            <= ${quotas.person}::bigint)
        and (select ${counted} from files f where f.room_id = room.id and f.state <> 'doomed') + ${size}::bigint
          <= ${quotas.room}::bigint as fits
      from room
    ), begun as (
      insert into files (id, room_id, user_id, client_id, name, size, state)
      select ${id}::text::uuid, judged.id, ${userId}::bigint, ${clientId}::text::uuid, ${name}::text, ${size}::bigint,
        ${state}::text
      from judged where judged.fits
      on conflict (room_id, user_id, client_id) where state = 'receiving' do nothing
    )
    select fits from judged`;
};

const isUuid = (id: string) => /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(id);

/** `original:1024 preview:300` */
const variantsOf = (sizes: Sizes): string =>
  Object.entries(sizes)
    .map(([variant, size]) => `${variant}:${size}`)
    .join(" ");

export const sizesOf = (variants: string): Sizes =>
  Object.fromEntries(
    variants.split(" ").map((entry) => {
      const [variant, size] = entry.split(":");
      return [variant, Number(size)];
    }),
  );

const fileOf = ({ variants, width, height, placeholder, ...row }: FileRow): StoredFile => ({
  ...row,
  picture: width === null || height === null ? null : { width, height, placeholder },
  sizes: sizesOf(variants),
});
