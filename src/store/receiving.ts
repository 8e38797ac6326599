import { sql } from "drizzle-orm";
import { runOrRefuse } from "../db/away.ts";
import { type Database, rows } from "../db/database.ts";
import type { Part, Receiving, ReceivingStore, UploadKey } from "../files/ports.ts";
import { beginning } from "./files.ts";

interface ReceivingRow {
  readonly id: string;
  readonly name: string;
  readonly size: number;
  readonly parts: string;
  readonly at: number;
}

const columns = sql.raw(
  "f.id::text as id, f.name, f.size::float8 as size, f.parts, (extract(epoch from f.at) * 1000)::float8 as at",
);
/** The condition for rows `f` of an upload. */
export const ofKey = ({ room, userId, clientId }: UploadKey) => sql`
  f.room_id = (select id from rooms where name = ${room}::text) and f.user_id = ${userId}::bigint
  and f.client_id = ${clientId}::text::uuid`;

/** The rows of uploads over several requests, in SQL. */
export function createReceivingStore(database: Database): ReceivingStore {
  const run = <T>(statement: ReturnType<typeof sql>) =>
    runOrRefuse(database, (orm) => rows<T>(orm, statement));

  const find = async (key: UploadKey) => {
    const [found] = await run<ReceivingRow>(
      sql`select ${columns} from files f where ${ofKey(key)} and f.state = 'receiving'`,
    );
    return found && receivingOf(key, found);
  };

  return {
    find,

    async begin(attempt, quotas) {
      const [row] = await run<{ fits: boolean }>(beginning(attempt, quotas, "receiving"));
      if (!row) return "no_room";
      // It may have begun on another node at the same moment, and have taken the place that this one did not find.
      return (await find(attempt)) ?? "full";
    },

    async add(receiving, part) {
      const { id, parts } = receiving;
      const [added] = await run<ReceivingRow>(sql`
        update files f set parts = ${textOf([...parts, part])}::text, at = clock_timestamp()
        where f.id = ${id}::text::uuid and f.state = 'receiving' and f.parts = ${textOf(parts)}::text
        returning ${columns}`);
      return added && receivingOf(receiving, added);
    },

    async end(id) {
      await run(sql`update files set state = 'doomed', at = clock_timestamp()
        where id = ${id}::text::uuid and state = 'receiving'`);
    },

    async withdraw(key) {
      const gone = await run(sql`update files f set state = 'doomed', at = clock_timestamp()
        where ${ofKey(key)} and f.state in ('receiving', 'held', 'ready') returning true as gone`);
      if (gone.length > 0) return "withdrawn";
      const sent = await run(
        sql`select true as sent from files f where ${ofKey(key)} and f.state = 'attached'`,
      );
      return sent.length > 0 ? "sent" : "none";
    },
  };
}

/** `a1b2:8388608 c3d4:512` */
const textOf = (parts: readonly Part[]): string => parts.map(({ name, size }) => `${name}:${size}`).join(" ");

const partsOf = (text: string): Part[] =>
  text === ""
    ? []
    : text.split(" ").map((entry) => {
        const [name = "", size] = entry.split(":");
        return { name, size: Number(size) };
      });

const receivingOf = ({ room, userId, clientId }: UploadKey, { parts, ...row }: ReceivingRow): Receiving => ({
  room,
  userId,
  clientId,
  ...row,
  parts: partsOf(parts),
});
