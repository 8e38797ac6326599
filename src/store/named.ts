import { sql } from "drizzle-orm";
import type { PersonStore } from "../chat/ports.ts";
import { runOrRefuse } from "../db/away.ts";
import { type Pool, rows } from "../db/database.ts";
import { foldOf } from "../lookalikes.ts";
import { texts } from "./sql.ts";

export const createPersonStore = (pool: Pool): PersonStore => ({
  async find(names) {
    if (names.length === 0) return [];
    const keys = names.map(keyOf);
    const found = await runOrRefuse(pool, (orm) =>
      rows<{ index: number; id: number }>(
        orm,
        sql`select i.n::float8 - 1 as index, u.id::float8 as id
          from unnest(${texts(keys.map(({ by }) => by))}, ${texts(keys.map(({ key }) => key))})
            with ordinality as i(by, key, n)
          cross join lateral (
            (select id from users where i.by = 'id' and uid = i.key limit 1)
            union all
            (select id from users where i.by = 'username' and username_fold = i.key limit 1)
            union all
            (select id from users where i.by = 'email' and email = i.key limit 1)) u
          join users p on p.id = u.id and p.erased_at is null and p.id > 0`,
      ),
    );
    const ids = new Array<number | null>(names.length).fill(null);
    for (const { index, id } of found) ids[index] = id;
    return ids;
  },
});

/** An address in the form in which accounts have it. */
const addressOf = (address: string) => address.trim().normalize("NFC").toLowerCase();

function keyOf(name: string): { by: "id" | "username" | "email"; key: string } {
  if (name.startsWith("@")) return { by: "username", key: foldOf(name.slice(1)) };
  if (name.startsWith("mailto:")) return { by: "email", key: addressOf(name.slice("mailto:".length)) };
  return { by: "id", key: name };
}
