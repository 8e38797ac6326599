import { sql } from "drizzle-orm";
import { runOrRefuse } from "../db/away.ts";
import { type Orm, type Pool, rows } from "../db/database.ts";
import { meta } from "../db/schema.ts";
import type { DeviceStore, QuietHours, ShownDevice } from "../push/ports.ts";
import { atMost, iso, texts } from "./sql.ts";
import { eq } from "drizzle-orm";

/** The most devices of one person. */
const DEVICES_MAX = 20;
const USER_AGENT_MAX = 256;

const run = <Row>(pool: Pool, statement: ReturnType<typeof sql>) =>
  runOrRefuse(pool, (orm) => rows<Row>(orm, statement));

export const createDeviceStore = (pool: Pool): DeviceStore => ({
  put: (device) =>
    runOrRefuse(pool, (orm) =>
      orm.transaction(async (tx) => {
        const { id, userId, sessionId, endpoint, p256dh, auth, page } = device;
        const grants = device.grants && JSON.stringify(device.grants);
        const agent = device.userAgent.slice(0, USER_AGENT_MAX).toWellFormed().replaceAll("\0", "");
        // What was noted for someone else who used the device is not theirs.
        const moved = await rows(
          tx,
          sql`select from push_devices where id = ${id}::text and user_id <> ${userId}::bigint for update`,
        );
        if (moved.length > 0) await rows(tx, sql`delete from pushes where device_id = ${id}::text`);
        await rows(
          tx,
          sql`insert into push_devices (id, user_id, session_id, endpoint, p256dh, auth, grants, page, user_agent)
            values (${id}::text, ${userId}::bigint, ${sessionId}::text::uuid, ${endpoint}::text, ${p256dh}::text,
              ${auth}::text, ${grants}::text, ${page}::text, ${agent}::text)
            on conflict (id) do update set user_id = excluded.user_id, session_id = excluded.session_id,
              p256dh = excluded.p256dh, auth = excluded.auth, grants = excluded.grants, page = excluded.page,
              user_agent = excluded.user_agent, used_at = clock_timestamp()`,
        );
        const excess = await rows<{ id: string }>(
          tx,
          sql`select id from push_devices where user_id = ${userId}::bigint
            order by used_at desc, id offset ${DEVICES_MAX}::int`,
        );
        await removeDevices(
          tx,
          excess.map((one) => one.id),
        );
      }),
    ),

  async remove(userId, id) {
    await runOrRefuse(pool, async (orm) => {
      const found = await rows(
        orm,
        sql`select id from push_devices where id = ${id}::text and user_id = ${userId}::bigint`,
      );
      if (found.length > 0) await removeDevices(orm, [id]);
    });
  },

  async gone(ids) {
    await pool.run((orm) => removeDevices(orm, ids));
  },

  list: (userId) =>
    run<ShownDevice>(
      pool,
      sql`select id, user_agent as name, split_part(endpoint, '/', 3) as service,
          ${iso(sql`created_at`)} as "createdAt", ${iso(sql`used_at`)} as "usedAt"
        from push_devices where user_id = ${userId}::bigint order by used_at desc, id ${atMost(DEVICES_MAX)}`,
    ),

  async quiet(userId) {
    const [found] = await run<QuietHours>(
      pool,
      sql`select begins, ends, zone from quiet_hours where user_id = ${userId}::bigint`,
    );
    return found ?? null;
  },

  async setQuiet(userId, hours) {
    await run(
      pool,
      hours === null
        ? sql`delete from quiet_hours where user_id = ${userId}::bigint`
        : sql`insert into quiet_hours (user_id, begins, ends, zone)
            values (${userId}::bigint, ${hours.begins}::smallint, ${hours.ends}::smallint, ${hours.zone}::text)
            on conflict (user_id) do update set begins = excluded.begins, ends = excluded.ends, zone = excluded.zone`,
    );
  },
});

const removeDevices = (orm: Orm, ids: readonly string[]) =>
  ids.length === 0
    ? Promise.resolve([])
    : rows(
        orm,
        sql`with gone as (delete from push_devices where id = any(${texts(ids)}) returning id)
          delete from pushes p using gone where p.device_id = gone.id`,
      );

const KEY = "push_key";

/** Returns the private key of this database's pushes: the one that is there, or else a new one. The same for all nodes. */
export async function loadPushKey(pool: Pool, create: () => Promise<string>): Promise<string> {
  const read = () => pool.run((orm) => orm.select().from(meta).where(eq(meta.name, KEY)));
  const [found] = await read();
  if (found) return found.value;
  const value = await create();
  await pool.run((orm) => orm.insert(meta).values({ name: KEY, value }).onConflictDoNothing());
  return (await read())[0]?.value ?? value;
}
