import { hash } from "node:crypto";
import { and, eq, gt, isNull, sql } from "drizzle-orm";
import { writeAudit } from "../db/audit.ts";
import type { Orm, Pool } from "../db/database.ts";
import { registrationLinks as links } from "../db/schema.ts";
import { fromNow } from "../db/time.ts";
import { Refusal } from "../errors.ts";
import type { Order } from "../order.ts";

// A registration link lets one person create an account. Anyone who has its token can use it, once.

export interface RegistrationLink {
  /** Shown only once: the database has its hash. */
  readonly token: string;
  /** The page with its form for registering; null if PUBLIC_URL is not set. */
  readonly url: string | null;
  readonly expiresAt: string;
}

/** Creates a link that is valid for `ttlMs`. */
export async function createLink(
  pool: Pool,
  { ttlMs, publicUrl }: { ttlMs: number; publicUrl: string | undefined },
  order: Order,
): Promise<RegistrationLink> {
  const token = Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString("base64url");
  const expiresAt = await pool.run((orm) =>
    orm.transaction(async (tx) => {
      const [made] = await tx
        .insert(links)
        .values({
          hash: hashOf(token),
          expiresAt: fromNow(ttlMs),
        })
        .returning();
      await writeAudit(tx, [{ ...order, action: "link.create", target: String(made?.id) }]);
      return made?.expiresAt;
    }),
  );
  if (!expiresAt) throw new Error("the database returned no link");
  const url = publicUrl ? `${publicUrl.replace(/\/+$/, "")}/${fragmentOf(token)}` : null;
  return { token, url, expiresAt: expiresAt.toISOString() };
}

/** What follows the page's address in a link. A fragment is not sent to servers, so no log gets it. */
export const fragmentOf = (token: string) => `#/register/${token}`;

const isOpen = (token: string) =>
  and(eq(links.hash, hashOf(token)), isNull(links.usedAt), gt(links.expiresAt, sql`clock_timestamp()`));

/** Checks that a link could be used now. @throws {Refusal} invite_required, invite_invalid. */
export async function checkLink(pool: Pool, token: string | undefined): Promise<string> {
  if (token === undefined) throw new Refusal("invite_required");
  const [found] = await pool.run((orm) => orm.select({ id: links.id }).from(links).where(isOpen(token)));
  if (!found) throw new Refusal("invite_invalid");
  return token;
}

/**
 * Uses a link up. Call it in the transaction that creates the user: of two that use one link, the second one waits for
 * the first and is refused. @throws {Refusal} invite_invalid.
 */
export async function useLink(tx: Orm, token: string, userId: number): Promise<void> {
  const used = await tx
    .update(links)
    .set({ usedAt: sql`clock_timestamp()`, userId })
    .where(isOpen(token))
    .returning({ id: links.id });
  if (used.length === 0) throw new Refusal("invite_invalid");
}

const hashOf = (token: string) => hash("sha256", token, "base64url");
