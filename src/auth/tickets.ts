import { hash } from "node:crypto";
import { and, eq, gt, inArray, sql } from "drizzle-orm";
import { type Orm, type Pool, rows } from "../db/database.ts";
import { mails, tickets } from "../db/schema.ts";
import { ago, fromNow } from "../db/time.ts";
import { Refusal } from "../errors.ts";

// What a link in a mail allows, once. Anyone who has its token can use it.

export type TicketKind = (typeof tickets.$inferSelect)["kind"];
export type Ticket = Pick<typeof tickets.$inferSelect, "kind" | "userId" | "address">;

const HOUR_MS = 3600_000;
/** How long a link works, in milliseconds. */
export const TICKET_MS: Readonly<Record<TicketKind, number>> = {
  reset: HOUR_MS,
  verify: 72 * HOUR_MS,
  change: 24 * HOUR_MS,
};

/**
 * How many mails with links of some kinds go to one address, or are about one account, in a time no longer than they work.
 * So while these are spent, a link that was sent still works: nobody can keep people from a reset by asking for many.
 */
const ALLOWED = [
  { kinds: ["reset"], most: 3, ms: HOUR_MS },
  { kinds: ["verify", "change"], most: 5, ms: 24 * HOUR_MS },
] as const;

interface Issue extends Ticket {
  readonly mailId: string;
}

/**
 * Creates a ticket and returns its token; undefined if this address or account has got too many such mails, or if the mail
 * was taken back meanwhile.
 */
export async function issueTicket(pool: Pool, { kind, userId, address, mailId }: Issue) {
  const token = Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString("base64url");
  const allowed = ALLOWED.find(({ kinds }) => (kinds as readonly TicketKind[]).includes(kind));
  if (!allowed) throw new Error(`no limit for mails of the kind ${kind}`);
  const made = await pool.run((orm) =>
    rows(
      orm,
      sql`insert into tickets (hash, kind, user_id, address, mail_id, expires_at)
        select ${hashOf(token)}::text, ${kind}::text, ${userId}::bigint, ${address}::text, ${mailId}::text::uuid,
          ${fromNow(TICKET_MS[kind])}
        where exists (select from mails where id = ${mailId}::text::uuid for key share) and (
          select count(distinct mail_id) from tickets
          where (address = ${address}::text or user_id = ${userId}::bigint)
            and kind = any(${`{${allowed.kinds.join()}}`}::text::text[])
            and mail_id <> ${mailId}::text::uuid and created_at > ${ago(allowed.ms)}) < ${allowed.most}::int
        returning hash`,
    ),
  );
  return made.length > 0 ? token : undefined;
}

const isOpen = (token: string, kinds: readonly TicketKind[]) =>
  and(
    eq(tickets.hash, hashOf(token)),
    inArray(tickets.kind, [...kinds]),
    gt(tickets.expiresAt, sql`clock_timestamp()`),
  );

/** Returns what a token allows, and leaves it as it is. @throws {Refusal} link_invalid. */
export async function readTicket(orm: Orm, token: string, kinds: readonly TicketKind[]): Promise<Ticket> {
  const [ticket] = await orm.select().from(tickets).where(isOpen(token, kinds));
  if (!ticket) throw linkInvalid();
  return ticket;
}

/**
 * Uses a ticket up. Call it in the transaction that does what it allows: of two that use one ticket, the second one waits
 * for the first and is refused. @throws {Refusal} link_invalid.
 */
export async function useTicket(tx: Orm, token: string, kinds: readonly TicketKind[]): Promise<Ticket> {
  const [ticket] = await tx.delete(tickets).where(isOpen(token, kinds)).returning();
  if (!ticket) throw linkInvalid();
  return ticket;
}

/** Voids links that were sent to someone before, and takes back those that wait to be sent. */
export async function voidTickets(tx: Orm, userId: number, kinds: readonly TicketKind[]): Promise<void> {
  await tx.delete(mails).where(and(eq(mails.userId, userId), inArray(mails.kind, [...kinds])));
  // The rows stay, because they count.
  await tx
    .update(tickets)
    .set({ expiresAt: sql`clock_timestamp()` })
    .where(and(eq(tickets.userId, userId), inArray(tickets.kind, [...kinds])));
}

export const linkInvalid = () => new Refusal("link_invalid");

const hashOf = (token: string) => hash("sha256", token, "base64url");
