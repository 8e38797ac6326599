import { eq } from "drizzle-orm";
import type { Orm } from "../db/database.ts";
import { users } from "../db/schema.ts";

/** What begins like this would be something else than a subject in a path or a list of people. */
const AMBIGUOUS = /^(u_|@|mailto:|=)|^me$/;

/** Returns the id that an outside identity has by its subject. The migration of older people has the same rule. */
export const uidOf = (subject: string): string => (AMBIGUOUS.test(subject) ? `=${subject}` : subject);

/** Returns the subject that an id stands for, or undefined if it is none of an outside identity. */
export function subjectOf(uid: string): string | undefined {
  const subject = uid.startsWith("=") ? uid.slice(1) : uid;
  return uidOf(subject) === uid ? subject : undefined;
}

/** Returns the id for a new outside identity, or undefined if someone has it: then it gets one of ours. */
export async function freeUid(orm: Orm, subject: string): Promise<string | undefined> {
  const uid = uidOf(subject);
  const [taken] = await orm.select({ id: users.id }).from(users).where(eq(users.uid, uid));
  return taken ? undefined : uid;
}
