import { sql } from "drizzle-orm";
import { type Orm, rows } from "./database.ts";
import { mails } from "./schema.ts";

export type MailKind = (typeof mails.$inferSelect)["kind"];

/** A mail that somebody asked for, or that says what has happened. */
export interface Wanted {
  readonly kind: Exclude<MailKind, "digest">;
  readonly address: string;
  /** Undefined: whoever has the address when it is sent, if anybody has. */
  readonly userId?: number;
}

/** The most mails that wait. Those that say what has happened to an account wait in any case. */
export const WAITING_MAX = 10_000;
const ALWAYS: readonly MailKind[] = ["password", "moved"];

/**
 * Puts a mail into the outbox. If the same mail to the same address waits already, that one stays the only one. Call it in
 * the transaction that causes the mail. Returns false if too many mails wait.
 */
export async function enqueueMail(orm: Orm, { kind, address, userId }: Wanted): Promise<boolean> {
  const [state] = await rows<{ full: boolean }>(
    orm,
    sql`with few as materialized (
        select count(*) >= ${WAITING_MAX}::int and not ${ALWAYS.includes(kind)}::boolean as "full"
        from (select 1 from mails limit ${WAITING_MAX}::int) x
      ), put as (
        insert into mails (id, kind, address, user_id)
        select ${Bun.randomUUIDv7()}::text::uuid, ${kind}::text, ${address}::text, ${userId ?? null}::bigint from few
        where not few."full" and not exists (
          select from mails m where m.address = ${address}::text and m.kind = ${kind}::text
            and m.user_id is not distinct from ${userId ?? null}::bigint and m.lease is null)
      )
      select "full" from few`,
  );
  return state?.full === false;
}
