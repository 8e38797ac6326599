import { type SQL, sql } from "drizzle-orm";
import { type Action, writeAudit } from "../db/audit.ts";
import { type Orm, type Pool, rows } from "../db/database.ts";
import { ago, fromNow } from "../db/time.ts";
import type { Order } from "../order.ts";
import { atMost, iso } from "./sql.ts";

/** The attempts that are kept of each hook, and for how long, in milliseconds. */
export const ATTEMPTS_MAX = 100;
const ATTEMPTS_MS = 7 * 24 * 3600_000;
/** How long a hook's row outlives it, in milliseconds: until no server can be using it. */
const DELETED_MS = 60_000;
/** Hooks and attempts that one statement removes. */
const SWEPT = 1_000;
/** How often the cursors of one hook are removed, some at a time, before others have their turn. */
const ROUNDS = 50;

/** What can happen in a room, as clients know it: the changes of messages, and notices. */
export const HOOK_CHANGES = ["created", "updated", "deleted", "notice"] as const;
export type HookChange = (typeof HOOK_CHANGES)[number];

/** The most hooks: each one at work has the database look for changes. */
export const HOOKS_MAX = 50;

/** `paused`: it continues where it stopped once it is on again. `gone`: its receiver does not want it any more. */
export const HOOK_STATES = ["on", "paused", "gone"] as const;
export type HookState = (typeof HOOK_STATES)[number];

/** A URL of somebody else's that gets what changes in rooms. */
export interface Hook {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  /** Patterns of rooms. */
  readonly rooms: readonly string[];
  readonly changes: readonly HookChange[];
  /** The people whose mentions it wants, by public id. Null: it wants every message. */
  readonly mentions: readonly string[] | null;
  readonly state: HookState;
  /** Why it is not on; null: it is, or somebody paused it. */
  readonly reason: string | null;
  readonly stateAt: string;
  readonly createdAt: string;
  readonly createdBy: string;
  /** Until when the secret before the present one signs too; null: it does not. */
  readonly oldSecretUntil: string | null;
}

/** What somebody decides about a hook. */
export type HookSettings = Pick<Hook, "name" | "url" | "changes" | "mentions">;

/** A hook with the secrets that sign what it gets, the present one first. */
export interface ActiveHook extends Hook {
  readonly secrets: readonly string[];
}

/** One request to a hook, and what came of it. */
export interface Attempt {
  readonly hook: string;
  /** In ISO 8601. */
  readonly at: string;
  /** Its `webhook-id`. */
  readonly webhook: string;
  /** What it was about; null: it was a ping. */
  readonly batch: { readonly room: string; readonly after: number; readonly upto: number } | null;
  readonly changes: number;
  readonly status: number | null;
  readonly error: string | null;
  readonly ms: number;
}

export interface KeptAttempt extends Attempt {
  readonly id: number;
}

/** Hooks and their latest attempts, in SQL with any driver. All methods reject if the database does not respond. */
export interface HookStore {
  /** Creates a hook that is paused. Resolves to false if there are as many as there can be. */
  create(hook: Pick<Hook, "id" | "rooms"> & HookSettings, secret: string, order: Order): Promise<boolean>;
  /** All hooks, the oldest first. */
  all(): Promise<readonly ActiveHook[]>;
  /** Undefined: there is none. */
  get(id: string): Promise<ActiveHook | undefined>;
  change(id: string, settings: Partial<HookSettings>, order: Order): Promise<boolean>;
  /** Resolves to false if there is no such hook, or if it is in that state. Without an order, the audit does not record it. */
  setState(id: string, state: HookState, reason: string | null, order?: Order): Promise<boolean>;
  /** Replaces the secret. The one before signs too for so long, in milliseconds. */
  rotate(id: string, secret: string, overlapMs: number, order: Order): Promise<boolean>;
  remove(id: string, order: Order): Promise<boolean>;
  /** Keeps attempts, the latest of each hook. */
  keep(attempts: readonly Attempt[]): Promise<void>;
  /** The latest attempts, the latest first. */
  attempts(id: string): Promise<readonly KeptAttempt[]>;
  /** Removes old attempts, and some hooks that were deleted. `removeCursors` resolves to whether there may be more. */
  clean(removeCursors: (id: string) => Promise<boolean>): Promise<void>;
}

interface HookRow extends Omit<Hook, "rooms" | "changes" | "mentions"> {
  readonly rooms: string;
  readonly changes: string;
  readonly mentions: string | null;
  readonly secret: string;
  readonly oldSecret: string | null;
}

const hookOf = ({ rooms, changes, mentions, secret, oldSecret, ...hook }: HookRow): ActiveHook => ({
  ...hook,
  rooms: JSON.parse(rooms) as string[],
  changes: JSON.parse(changes) as HookChange[],
  mentions: mentions === null ? null : (JSON.parse(mentions) as string[]),
  secrets: [secret, ...(hook.oldSecretUntil !== null && oldSecret !== null ? [oldSecret] : [])],
});

const COLUMNS = sql`id::text as id, name, url, rooms, changes, mentions, state, reason, ${iso(sql`state_at`)} as "stateAt",
  ${iso(sql`created_at`)} as "createdAt", created_by as "createdBy", secret, old_secret as "oldSecret",
  case when old_until > clock_timestamp() then ${iso(sql`old_until`)} end as "oldSecretUntil"`;

export function createHookStore(pool: Pool): HookStore {
  const run = <Row>(statement: SQL) => pool.run((orm) => rows<Row>(orm, statement));
  const read = async (condition: SQL) =>
    (
      await run<HookRow>(sql`select ${COLUMNS} from hooks where deleted_at is null and ${condition}
        order by created_at, id`)
    ).map(hookOf);

  /** Changes a hook and writes the audit, in one transaction. Resolves to whether there was such a hook. */
  const act = (
    action: Action,
    id: string,
    order: Order | undefined,
    statement: (orm: Orm) => Promise<unknown[]>,
  ) =>
    pool.run((orm) =>
      orm.transaction(async (tx) => {
        const found = (await statement(tx)).length > 0;
        if (found && order) await writeAudit(tx, [{ ...order, action, target: id }]);
        return found;
      }),
    );
  const update = (action: Action, id: string, order: Order | undefined, set: SQL, condition = sql`true`) =>
    act(action, id, order, (orm) =>
      rows(
        orm,
        sql`update hooks set ${set} where id = ${id}::text::uuid and deleted_at is null and ${condition} returning id`,
      ),
    );

  return {
    create: ({ id, name, url, rooms: patterns, changes, mentions }, secret, order) =>
      act("hook.create", id, order, async (orm) => {
        // Two that are created at the same moment must not both be the last one.
        await rows(orm, sql`select pg_advisory_xact_lock(hashtextextended('hooks', 0))`);
        return rows(
          orm,
          sql`insert into hooks (id, name, url, rooms, changes, mentions, state, secret, created_by)
            select ${id}::text::uuid, ${name}::text, ${url}::text, ${JSON.stringify(patterns)}::text, ${JSON.stringify(changes)}::text,
              ${mentions && JSON.stringify(mentions)}::text, 'paused', ${secret}::text, ${order.actor}::text
            where (select count(*) from hooks where deleted_at is null) < ${sql.raw(String(HOOKS_MAX))} returning id`,
        );
      }),
    all: () => read(sql`true`),
    get: async (id) => (await read(sql`id = ${id}::text::uuid`))[0],
    change: (id, { name, url, changes, mentions }, order) =>
      update(
        "hook.change",
        id,
        order,
        sql`name = coalesce(${name ?? null}::text, name), url = coalesce(${url ?? null}::text, url),
          changes = coalesce(${changes === undefined ? null : JSON.stringify(changes)}::text, changes),
          mentions = ${mentions === undefined ? sql`mentions` : sql`${mentions && JSON.stringify(mentions)}::text`}`,
      ),
    setState: (id, state, reason, order) =>
      update(
        "hook.change",
        id,
        order,
        sql`state = ${state}::text, reason = ${reason}::text, state_at = clock_timestamp()`,
        sql`state <> ${state}::text`,
      ),
    rotate: (id, secret, overlapMs, order) =>
      update(
        "hook.change",
        id,
        order,
        sql`old_secret = secret, old_until = ${fromNow(overlapMs)}, secret = ${secret}::text`,
      ),
    remove: (id, order) => update("hook.delete", id, order, sql`deleted_at = clock_timestamp(), secret = ''`),

    async keep(attempts) {
      const given = attempts.map(({ batch, ...attempt }) => ({ ...attempt, ...batch }));
      await run(sql`
        insert into hook_attempts (hook, at, webhook, room, after, upto, changes, status, error, ms)
        select hook, at, webhook, room, after, upto, changes, status, error, ms
        from json_to_recordset(${JSON.stringify(given)}::text::json) as a(hook uuid, at timestamptz, webhook text, room text,
          after bigint, upto bigint, changes int, status int, error text, ms int)`);
      const touched = JSON.stringify([...new Set(attempts.map(({ hook }) => hook))]);
      await run(sql`
        delete from hook_attempts a using (
          select h.id as hook, (select x.id from hook_attempts x where x.hook = h.id order by x.id desc
            offset ${sql.raw(String(ATTEMPTS_MAX))} limit 1) as edge
          from (select value::uuid as id from json_array_elements_text(${touched}::text::json)) h
        ) e where a.hook = e.hook and a.id <= e.edge`);
    },
    async attempts(id) {
      const found = await run<
        Omit<KeptAttempt, "batch"> & { room: string | null; after: number; upto: number }
      >(sql`
        select id::float8 as id, hook::text as hook, ${iso(sql`at`)} as at, webhook, room, after::float8 as after,
          upto::float8 as upto, changes, status, error, ms
        from hook_attempts where hook = ${id}::text::uuid order by id desc ${atMost(ATTEMPTS_MAX)}`);
      return found.map(({ room, after, upto, ...attempt }) => ({
        ...attempt,
        batch: room === null ? null : { room, after, upto },
      }));
    },
    async clean(removeCursors) {
      await run(sql`delete from hook_attempts where id in (
        select id from hook_attempts where at < ${ago(ATTEMPTS_MS)} order by id ${atMost(SWEPT)})`);
      const deleted = await run<{ id: string }>(
        sql`select id::text as id from hooks where deleted_at < ${ago(DELETED_MS)} ${atMost(SWEPT)}`,
      );
      for (const { id } of deleted) {
        let more = true;
        for (let round = 0; more && round < ROUNDS; round++) more = await removeCursors(id);
        if (more) continue;
        await run(sql`with gone as (delete from hook_attempts where hook = ${id}::text::uuid)
          delete from hooks where id = ${id}::text::uuid`);
      }
    },
  };
}
