import { eq, type InferInsertModel, type InferSelectModel } from "drizzle-orm";
import type { Pool } from "../db/database.ts";
import { users } from "../db/schema.ts";
import { foldOf } from "./usernames.ts";

export type User = InferSelectModel<typeof users>;
type NewUser = Omit<InferInsertModel<typeof users>, "username" | "usernameFold">;

/**
 * Creates a user under the first free name. If that fails, returns what was taken: all the names, or another
 * unique value (the email, or issuer and subject).
 */
export async function insertUser(
  pool: Pool,
  values: NewUser,
  names: Iterable<string>,
): Promise<User | "names taken" | "values taken"> {
  for (const username of names) {
    const usernameFold = foldOf(username);
    const [user] = await pool.run((orm) =>
      orm
        .insert(users)
        .values({ ...values, username, usernameFold })
        .onConflictDoNothing()
        .returning(),
    );
    if (user) return user;
    const [holder] = await pool.run((orm) =>
      orm.select({ id: users.id }).from(users).where(eq(users.usernameFold, usernameFold)),
    );
    if (!holder) return "values taken";
  }
  return "names taken";
}
