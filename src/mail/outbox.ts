import { sql } from "drizzle-orm";
import { type Pool, rows } from "../db/database.ts";
import type { MailKind } from "../db/mails.ts";
import { fromNow, PRESENT } from "../db/time.ts";

/** A mail that this node has to itself for a while. */
export interface Leased {
  readonly id: string;
  readonly kind: MailKind;
  readonly address: string;
  /** Null: whoever has the address. */
  readonly userId: number | null;
  /** Of a digest, in milliseconds since 1970. */
  readonly after: number;
  readonly upto: number;
  readonly createdAt: number;
  /** How long it has been waiting, in milliseconds. */
  readonly age: number;
  /** With this one. */
  readonly attempts: number;
  readonly lease: string;
  /** A node ended during an attempt: nobody knows whether the mail was sent. */
  readonly unknown: boolean;
}

/** How much waits, and since when. */
export interface Waiting {
  readonly mails: number;
  /** The age of the oldest, in milliseconds. */
  readonly ms: number;
}

/** The mails that wait to be sent. */
export interface Outbox {
  /** Leases the next mail that is due; digests are apart from the others. Undefined: there is none. */
  claim(kinds: "digests" | "others", leaseMs: number): Promise<Leased | undefined>;
  /** Removes a mail that was sent or is given up. */
  remove(mail: Leased): Promise<void>;
  /** Releases a mail until the next attempt. */
  postpone(mail: Leased, ms: number): Promise<void>;
  waiting(): Promise<Waiting>;
}

const millis = (column: string) => sql.raw(`(extract(epoch from ${column}) * 1000)::float8`);

export function createOutbox(pool: Pool): Outbox {
  const run = <Row>(statement: ReturnType<typeof sql>) => pool.run((orm) => rows<Row>(orm, statement));
  const isOurs = ({ id, lease }: Leased) => sql`id = ${id}::text::uuid and lease = ${lease}::text::uuid`;
  return {
    async claim(kinds, leaseMs) {
      const lease = crypto.randomUUID();
      const [found] = await run<Omit<Leased, "lease">>(sql`
        with due as materialized (
          select id, lease is not null as unknown from mails
          where due_at <= ${PRESENT} and (kind = 'digest') = ${kinds === "digests"}::boolean
          order by due_at limit 1 for update skip locked
        )
        update mails m set lease = ${lease}::text::uuid, due_at = ${fromNow(leaseMs)}, attempts = m.attempts + 1
        from due where m.id = due.id
        returning m.id::text as id, m.kind, m.address, m.user_id::float8 as "userId", m.attempts, due.unknown,
          ${millis("m.after")} as after, ${millis("m.upto")} as upto, ${millis("m.created_at")} as "createdAt",
          (extract(epoch from clock_timestamp() - m.created_at) * 1000)::float8 as age`);
      return found && { ...found, lease };
    },
    async remove(mail) {
      await run(sql`delete from mails where ${isOurs(mail)}`);
    },
    async postpone(mail, ms) {
      await run(sql`update mails set lease = null, due_at = ${fromNow(ms)} where ${isOurs(mail)}`);
    },
    async waiting() {
      const [found] = await run<Waiting>(sql`
        select count(*)::float8 as mails,
          coalesce(extract(epoch from clock_timestamp() - min(created_at)) * 1000, 0)::float8 as ms from mails`);
      return found ?? { mails: 0, ms: 0 };
    },
  };
}
