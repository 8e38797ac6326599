import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { sql } from "drizzle-orm";
import { rows } from "../../src/db/database.ts";
import { createOutbox } from "../../src/mail/outbox.ts";
import { createDigestStore } from "../../src/store/digests.ts";
import { createPushQueue } from "../../src/store/pushqueue.ts";
import { freshDatabase, type TestDatabase } from "../support/database.ts";
import { explained } from "../support/explain.ts";

setDefaultTimeout(60_000);

// Nodes look every second for what is due. However much waits for later, a look reads nothing of it to speak of.

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
  const run = (statement: ReturnType<typeof sql>) => database.run((orm) => rows(orm, statement));
  const later = sql`clock_timestamp() + interval '1 hour'`;
  const many = sql`generate_series(1, 5000) n`;
  await run(
    sql`insert into pushes (device_id, room_id, message_id, due_at) select 'd' || n, 1, n, ${later} from ${many}`,
  );
  await run(sql`insert into digests (user_id, due_at) select n, ${later} from ${many}`);
  await run(sql`insert into mails (id, kind, address, due_at)
    select gen_random_uuid(), 'reset', n || '@example.com', ${later} from ${many}`);
  for (const table of ["pushes", "digests", "mails"]) await run(sql.raw(`analyze ${table}`));
}, 60_000);
afterAll(() => database.close());

for (const [table, look] of [
  ["pushes", (watched) => createPushQueue(watched).claim(64, 1_000)],
  ["digests", (watched) => createDigestStore(watched, { membersOnly: false }).claim(20, 1_000)],
  ["mails", (watched) => createOutbox(watched).claim("others", 1_000)],
] satisfies [string, (watched: ReturnType<typeof explained>) => Promise<unknown>][])
  test(`a look for what is due does not read the ${table} that wait`, async () => {
    const watched = explained(database);
    expect((await look(watched)) ?? []).toEqual([]);
    const scans = watched.takeScans().filter((scan) => scan.table === table);
    expect(scans).not.toBeEmpty();
    expect(scans.reduce((sum, scan) => sum + scan.rows, 0)).toBeLessThan(10);
  });
