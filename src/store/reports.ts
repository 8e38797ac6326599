import { type SQL, sql } from "drizzle-orm";
import {
  FENCED,
  type Permitted,
  type Report,
  type ReportRange,
  type ReportStore,
} from "../chat/moderationports.ts";
import { writeAudit } from "../db/audit.ts";
import { runOrRefuse } from "../db/away.ts";
import { type Pool, rows } from "../db/database.ts";
import { person, shownOf } from "./people.ts";
import { atMost, iso, messageAt } from "./sql.ts";

/** The most bytes of texts on a page of reports. A page has one report at least, if there is any. */
const PAGE_BYTES = 512 * 1024;

interface ReportRow {
  readonly id: string;
  readonly room: string;
  readonly at: string;
  readonly reason: string;
  readonly by: string;
  readonly messageId: number;
  readonly version: number;
  readonly sender: string;
  readonly content: string;
  readonly data: string | null;
  readonly files: string | null;
  readonly resolvedAt: string | null;
  readonly resolver: string;
  readonly resolution: string;
}

const reportOf = (row: ReportRow): Report => ({
  id: row.id,
  room: row.room,
  at: row.at,
  reason: row.reason,
  by: shownOf(row.by),
  message: {
    id: row.messageId,
    version: row.version,
    sender: shownOf(row.sender),
    content: row.content,
    data: row.data,
    files: row.files,
  },
  resolved:
    row.resolvedAt === null
      ? null
      : { at: row.resolvedAt, by: shownOf(row.resolver), resolution: row.resolution },
});

export function createReportStore(pool: Pool): ReportStore {
  const page = async (limit: number, statement: SQL) => {
    const found = await runOrRefuse(pool, (orm) =>
      rows<ReportRow & { n: number; upto: number }>(orm, statement),
    );
    const entries = found.slice(0, limit).filter(({ n, upto }) => n === 1 || upto <= PAGE_BYTES);
    return { entries: entries.map(reportOf), more: entries.length < found.length };
  };

  /** Whether the rights still stand, in a snapshot of its own: those who lost them meanwhile get nothing. */
  const stands = async ({ room, fence }: Permitted) => {
    const found = await runOrRefuse(pool, (orm) =>
      rows(orm, sql`select 1 from rooms where name = ${room}::text and fence = ${fence}::bigint`),
    );
    return found.length > 0;
  };

  return {
    async report({ userId, room, from, fence }, id, reason) {
      const [found] = await runOrRefuse(pool, (orm) =>
        rows<{ fence: number | null; found: number }>(
          orm,
          sql`with place as materialized (
              select id, fence, begins_after from rooms where name = ${room}::text
            ), target as materialized (
              select m.* from place p cross join lateral (${messageAt(sql`p.id`, sql`${id}::bigint`)}) m
              where p.fence = ${fence}::bigint and m.id > p.begins_after and m.id >= ${from}::bigint
                and m.notice is null and m.deleted_at is null
            ), made as (
              insert into reports (room_id, message_id, reporter_id, reason, sender_id, version, content, data, files)
              select room_id, id, ${userId}::bigint, ${reason}::text, sender_id, version, content, data, files from target
              on conflict (room_id, message_id, reporter_id) do nothing
            )
            select (select fence::float8 from place) as fence, (select count(*)::int from target) as found`,
        ),
      );
      if (found && found.fence !== null && found.fence !== fence) return FENCED;
      return (found?.found ?? 0) > 0;
    },

    async reportsOf(reader, range) {
      const { room, from } = reader;
      const found = await page(
        range.limit,
        reportsIn(
          sql`r.name = ${room}::text and p.message_id > r.begins_after and p.message_id >= ${from}::bigint`,
          range,
        ),
      );
      return (await stands(reader)) ? found : FENCED;
    },

    reports: (range) => page(range.limit, reportsIn(sql`true`, range)),

    async resolveIn(reader, resolving) {
      const { room, from, fence } = reader;
      const resolved = await resolve(
        pool,
        resolving,
        sql`r.name = ${room}::text and r.fence = ${fence}::bigint and p.message_id > r.begins_after
          and p.message_id >= ${from}::bigint`,
      );
      return resolved || ((await stands(reader)) ? false : FENCED);
    },

    resolve: (resolving) => resolve(pool, resolving, sql`true`),
  };
}

/** Newest first, one more than the page has. */
const reportsIn = (chosen: SQL, { after, limit, scope }: ReportRange) => sql`
  select p.*, row_number() over w as n,
    sum(octet_length(p.content) + octet_length(p.reason) + coalesce(octet_length(p.data), 0)
      + coalesce(octet_length(p.files), 0)) over w as upto
  from (
    select p.id::text as id, p.at as "order", r.name as room, ${iso(sql`p.at`)} as at, p.reason, ${person("q")} as by,
      p.message_id::float8 as "messageId", p.version::float8 as version, ${person("s")} as sender, p.content, p.data, p.files,
      ${iso(sql`p.resolved_at`)} as "resolvedAt", ${person("o")} as resolver, p.resolution
    from reports p join rooms r on r.id = p.room_id join users q on q.id = p.reporter_id
    join users s on s.id = p.sender_id left join users o on o.id = p.resolved_by
    where ${chosen} and ${after === undefined ? sql`true` : sql`(p.at, p.id) < (select a.at, a.id from reports a where a.id = ${after}::text::uuid)`}
      and ${scope === "open" ? sql`p.resolved_at is null` : sql`true`}
    order by p.at desc, p.id desc ${atMost(limit + 1)}
  ) p window w as (order by p."order" desc, p.id desc rows unbounded preceding) order by n`;

/** A resolution in the same words changes nothing. */
const resolve = (
  pool: Pool,
  { id, userId, resolution, order }: Parameters<ReportStore["resolve"]>[0],
  chosen: SQL,
): Promise<boolean> =>
  runOrRefuse(pool, (orm) =>
    orm.transaction(async (tx) => {
      const [report] = await rows<Chosen>(
        tx,
        sql`select p.room_id::float8 as "roomId", p.message_id::float8 as "messageId", p.sender_id::float8 as "senderId",
            p.resolved_at is not null and p.resolution = ${resolution}::text as done
          from reports p join rooms r on r.id = p.room_id
          where p.id = ${id}::text::uuid and ${chosen} for update of p`,
      );
      if (!report) return false;
      if (report.done) return true;
      await rows(
        tx,
        sql`update reports set resolved_at = clock_timestamp(), resolved_by = ${userId}::bigint,
            resolution = ${resolution}::text where id = ${id}::text::uuid`,
      );
      const { roomId, messageId, senderId } = report;
      await writeAudit(tx, [
        {
          ...order,
          action: "report.resolve",
          userId: senderId,
          roomId,
          messageId,
          target: id,
          reason: resolution,
        },
      ]);
      return true;
    }),
  );

interface Chosen {
  readonly roomId: number;
  readonly messageId: number;
  readonly senderId: number;
  readonly done: boolean;
}
