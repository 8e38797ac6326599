import { sql } from "drizzle-orm";
import { type Database, rows } from "../../src/db/database.ts";

/** A change that a client sent, looked up by its client id. */
export interface Asked {
  readonly type: string;
  readonly content?: string;
  readonly emoji?: string;
  readonly on?: boolean;
}

/** A room's rows in the database. */
export interface Stored {
  readonly counter: number;
  readonly messages: readonly StoredMessage[];
  /** Changes of the room and its members. */
  readonly notices: readonly StoredNotice[];
  /** All acknowledged edits, deletions and reactions, by version. */
  readonly changes: readonly StoredChange[];
}

export interface StoredMessage {
  readonly id: number;
  readonly version: number;
  readonly clientId: string;
  readonly content: string;
  readonly deleted: boolean;
  /** `<user> <emoji>`, sorted. */
  readonly reactions: readonly string[];
}

export interface StoredNotice {
  readonly id: number;
  readonly clientId: string;
  readonly type: string;
  /** Whom it names, by their ids in the database. */
  readonly users: readonly number[];
}

export interface StoredChange {
  readonly clientId: string;
  readonly senderId: number;
  readonly kind: string;
  readonly id: number;
  readonly version: number;
}

/** Reads a room from the database. */
export async function readRoom(database: Database, room: string): Promise<Stored> {
  const read = <T>(query: ReturnType<typeof sql>) => database.run((orm) => rows<T>(orm, query));
  const ofRoom = sql`(select id from rooms where name = ${room})`;
  const [counted] = await read<{ version: number }>(
    sql`select version::float8 as version from rooms where name = ${room}`,
  );
  const messages = await read<StoredMessage>(
    sql`select m.id::float8 as id, m.version::float8 as version, m.client_id::text as "clientId", m.content,
        m.deleted_at is not null as deleted,
        array(select r.user_id || ' ' || r.emoji from reactions r
          where r.room_id = m.room_id and r.message_id = m.id) as reactions
      from messages m where m.room_id = ${ofRoom} and m.notice is null order by m.id`,
  );
  const notices = await read<Omit<StoredNotice, "users"> & { readonly users: string }>(
    sql`select id::float8 as id, client_id::text as "clientId", notice ->> 'type' as type, (notice -> 'users')::text as users
      from messages where room_id = ${ofRoom} and notice is not null order by id`,
  );
  const changes = await read<StoredChange>(
    sql`select client_id::text as "clientId", sender_id::float8 as "senderId", kind, message_id::float8 as id,
        version::float8 as version
      from changes where room_id = ${ofRoom} and kind not in ('member', 'room', 'pin') order by version`,
  );
  return {
    counter: counted?.version ?? 0,
    messages: messages.map((message) => ({ ...message, reactions: message.reactions.toSorted() })),
    notices: notices.map((notice) => ({ ...notice, users: JSON.parse(notice.users) as number[] })),
    changes,
  };
}

/**
 * Counts the versions that no message and no change uses, and those beyond the room's counter. Every version must belong
 * to exactly one message, notice or change.
 */
export function holes({ counter, messages, notices, changes }: Stored): number {
  const taken = new Set(
    [...messages, ...notices, ...changes].map((row) => ("kind" in row ? row.version : row.id)),
  );
  let missing = 0;
  for (let version = 1; version <= counter; version++) if (!taken.delete(version)) missing++;
  return missing + taken.size;
}

/** Computes the messages that must result from the acknowledged changes, independently of the server's code. */
export function expected(
  { messages, changes }: Stored,
  asked: ReadonlyMap<string, Asked>,
): readonly StoredMessage[] {
  const of = Map.groupBy(changes, ({ id }) => id);
  return messages.map(({ id, clientId }) => {
    const post = asked.get(clientId);
    let content = post?.content;
    let version = id;
    let deleted = false;
    const reactions = new Set<string>();
    for (const row of of.get(id) ?? []) {
      const change = asked.get(row.clientId);
      version = Math.max(version, row.version);
      if (row.kind === "edit") content = change?.content;
      if (row.kind === "delete") deleted = true;
      if (change?.emoji === undefined) continue;
      const reaction = `${row.senderId} ${change.emoji}`;
      if (change.on) reactions.add(reaction);
      else reactions.delete(reaction);
    }
    return {
      id,
      version,
      clientId,
      content: deleted ? "" : (content ?? "(no client sent it)"),
      deleted,
      reactions: deleted ? [] : [...reactions].sort(),
    };
  });
}
