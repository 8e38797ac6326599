import { type SQL, sql } from "drizzle-orm";
import { type Change, SYSTEM_ID } from "../chat/change.ts";
import { type Decision, messageKey, type State } from "../chat/room/decide.ts";
import type { AllMentions, KnownMentions } from "../chat/room/mentioning.ts";
import { type Orm, rows } from "../db/database.ts";
import { fittingMentions, type Message, type Person } from "../message.ts";
import { EVERYONE_MAX } from "../protocol/mentions.ts";
import { person, personJson } from "./notices.ts";
import { atMost, integers, messageAt, placeOf, texts, uuids } from "./sql.ts";

// What the commit of a batch does about mentions. Batches without mentions run none of these statements.

/** In the table of mentions, the server's own id stands for everyone. */
export const EVERYONE = SYSTEM_ID;

type Mentioning = Change & { readonly kind: "post" | "edit" };

const isMentioning = (change: Change): change is Mentioning =>
  (change.kind === "post" || change.kind === "edit") &&
  (change.everyone === true || mentionedIn(change).length > 0);

/** The ids of the people whom a change mentions. */
export const mentionedIn = (change: Change): readonly number[] =>
  change.kind === "post" || change.kind === "edit" ? [...(change.mentioned?.values() ?? [])] : [];

/** Whether a batch mentions anyone. */
export const mentionsAnyone = (changes: readonly Change[]): boolean => changes.some(isMentioning);

/** Reads the names of those whom changes mention, and the size of the rooms in which they mention everyone. */
export async function readMentioned(tx: Orm, changes: readonly Change[]): Promise<KnownMentions> {
  const ids = [...new Set(changes.flatMap(mentionedIn))];
  const rooms = changes.flatMap((change) =>
    isMentioning(change) && change.everyone === true ? [change.room] : [],
  );
  const [found] = await rows<{ people: string; members: string }>(
    tx,
    sql`select
      (select coalesce(json_agg(${personJson}), '[]') from unnest(${integers(ids)}) as i(id)
        cross join lateral (${person(sql`i.id`)}) u)::text as people,
      (select coalesce(json_agg(json_build_array(i.room, (select count(*) from (
          select 1 from members k where k.room_id = r.id and k.state = 'in' ${atMost(EVERYONE_MAX + 1)}) few))), '[]')
        from unnest(${texts([...new Set(rooms)])}) as i(room)
        cross join lateral (select id from rooms where name = i.room limit 1) r)::text as members`,
  );
  const people = JSON.parse(found?.people ?? "[]") as Person[];
  return {
    people: new Map(people.map((one) => [one.userId, one])),
    members: new Map(JSON.parse(found?.members ?? "[]") as [string, number][]),
  };
}

/** Reads the mentions of the message `m` as a JSON array of people, everyone among them; null: it has none. */
export const mentionsOf: SQL = sql`case when m.mentions is not null then (
  select json_agg(${personJson} order by u.id) from mentions n join users u on u.id = n.user_id
  where n.room_id = m.room_id and n.message_id = m.id)::text end`;

/** Parses what {@link mentionsOf} has read. */
export function mentionsIn(json: string | null): AllMentions | null {
  if (json === null) return null;
  const named = JSON.parse(json) as Person[];
  const people = named.filter(({ userId }) => userId !== EVERYONE);
  return { people, everyone: people.length < named.length };
}

/** The same as messages show them. */
export function shownMentions(json: string | null): Message["mentions"] {
  const found = mentionsIn(json);
  return found && fittingMentions(found.people, found.everyone);
}

const idsOf = (mentions: AllMentions | null): readonly number[] =>
  mentions === null
    ? []
    : [...mentions.people.map(({ userId }) => userId), ...(mentions.everyone ? [EVERYONE] : [])];

/** Writes whom messages mention from now on, and whom changes did not reach. */
export async function writeMentions(
  tx: Orm,
  { messages, missed, recorded }: Decision,
  before: State,
  roomIds: ReadonlyMap<string, number>,
): Promise<void> {
  const given: (readonly [room: string, messageId: number, userId: number])[] = [];
  const taken: (readonly [room: string, messageId: number, userId: number])[] = [];
  const counts = new Map<string, { room: string; id: number; count: number }>();
  for (const [key, { room, message }] of messages) {
    const old = idsOf(before.messages.get(key)?.mentions ?? null);
    const now = idsOf(message.mentions);
    const added = now.filter((userId) => !old.includes(userId));
    const removed = old.filter((userId) => !now.includes(userId));
    if (added.length + removed.length === 0) continue;
    given.push(...added.map((userId) => [room, message.id, userId] as const));
    taken.push(...removed.map((userId) => [room, message.id, userId] as const));
    counts.set(key, { room, id: message.id, count: now.length });
  }
  const failed = recorded.filter(({ ack }) => ack.unreached);
  if (counts.size + missed.length + failed.length === 0) return;
  const idOf = (room: string) => roomIds.get(room) ?? null;
  for (const { room, id } of missed) counts.getOrInsert(messageKey(room, id), { room, id, count: 0 });
  const unreached = new Map(missed.map(({ room, id, unreached }) => [messageKey(room, id), unreached]));
  const counted = [...counts.values()];
  const unreachedOf = ({ room, id }: { room: string; id: number }) => {
    const names = unreached.get(messageKey(room, id));
    return names ? JSON.stringify(names) : null;
  };
  const mentionRows = (these: typeof given) => sql`unnest(${integers(these.map(([room]) => idOf(room)))},
    ${integers(these.map(([, id]) => id))}, ${integers(these.map(([, , userId]) => userId))}) as i(room_id, message_id, user_id)`;
  await rows(
    tx,
    sql`with given as (
      insert into mentions (user_id, room_id, message_id, sender_id, thread, at)
      select i.user_id, i.room_id, i.message_id, m.sender_id, case when not m.also_room then m.thread end, m.created_at from ${mentionRows(given)}
      cross join lateral (${messageAt(sql`i.room_id`, sql`i.message_id`)}) m
    ), taken as (
      delete from mentions x using ${mentionRows(taken)}
      where x.room_id = i.room_id and x.message_id = i.message_id and x.user_id = i.user_id
    ), counted as (
      update messages m set mentions = nullif(i.count, 0),
        unreached = case when m.deleted_at is null then coalesce(i.unreached, m.unreached) end
      from (
        select i.*, (${placeOf(sql`i.room_id`, sql`i.id`)}) as place
        from unnest(${integers(counted.map(({ room }) => idOf(room)))}, ${integers(counted.map(({ id }) => id))},
          ${integers(counted.map(({ count }) => count))}, ${texts(counted.map(unreachedOf))}) as i(room_id, id, count, unreached)
      ) i
      where m.ctid = i.place and m.room_id = i.room_id and m.id = i.id
    )
    update changes c set unreached = i.unreached
    from unnest(${integers(failed.map(({ change }) => idOf(change.room)))}, ${integers(failed.map(({ change }) => change.senderId))},
      ${uuids(failed.map(({ change }) => change.clientId))}, ${texts(failed.map(({ ack }) => JSON.stringify(ack.unreached)))})
      as i(room_id, sender_id, client_id, unreached)
    where c.room_id = i.room_id and c.sender_id = i.sender_id and c.client_id = i.client_id`,
  );
}
