import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { rows } from "../../src/db/database.ts";
import { createStore } from "../../src/store/store.ts";
import { onEachDriver, post, type Stocked, stock } from "../chat/stocked.ts";
import { START_MS } from "../support/house.ts";

onEachDriver((open) => {
  let at: Stocked;
  beforeAll(async () => {
    at = await stock(open);
  }, START_MS);
  afterAll(() => at.database.close());

  test("warming the store writes nothing, and takes no version", async () => {
    const room = crypto.randomUUID();
    await at.store.commit(0, [post(at.ada, room, "before")], false);
    const all = () =>
      at.database.run((orm) =>
        rows<{ rooms: string; messages: string; members: string }>(
          orm,
          sql`select (select json_agg(r order by r.id) from rooms r)::text as rooms,
            (select json_agg(m order by m.room_id, m.id) from messages m)::text as messages,
            (select json_agg(k order by k.room_id, k.user_id) from members k)::text as members`,
        ),
      );
    const before = await all();
    const store = createStore(at.database);
    await store.warm();
    expect(await all()).toEqual(before);
    const { outcomes } = await store.messages.commit(0, [post(at.ada, room, "after")], false);
    expect(outcomes[0]).toMatchObject({ ack: { id: 2, version: 2 } });
  });

  test("a store whose database is away warms nothing and does not fail", async () => {
    const away = {
      ...at.database,
      pool: () => ({ run: () => Promise.reject(new Error("away")), close: async () => {} }),
    };
    expect(await createStore(away).warm()).toBeUndefined();
  });
});
