import { sql } from "drizzle-orm";
import { type Database, rows } from "../../src/db/database.ts";
import { readRoom } from "../support/stored.ts";
import type { Client } from "./client.ts";
import type { Frame } from "./line.ts";
import { isSame } from "./verdict.ts";

// People who are added to private rooms and removed from them again, and what must never reach them.

/** A change of members that was requested, by this process's clock. Infinity: no response yet. */
export interface Order {
  readonly clientId: string;
  readonly begun: number;
  done: number;
}

/** The time between being added and being removed. */
interface Stay {
  readonly added: Order;
  removed?: Order;
}

/** Something that a guest received: a frame, or a message on a page of history. */
interface Sighting {
  readonly type: string;
  readonly at: number;
  readonly id?: number | undefined;
  readonly version?: number | undefined;
}

/** One person in one private room. */
export interface Guest {
  readonly room: string;
  /** The person's public id. */
  readonly id: string;
  readonly token: string;
  readonly stays: Stay[];
  readonly clients: Client[];
  /** Records a frame of the room. */
  saw(frame: Frame): void;
  /** Records the result of a request over HTTP: whether it showed or changed something. */
  asked(begun: number, granted: boolean): void;
  readonly sightings: readonly Sighting[];
  readonly requests: readonly { readonly begun: number; readonly ended: number; readonly granted: boolean }[];
}

export function createGuest({ room, id, token }: Pick<Guest, "room" | "id" | "token">): Guest {
  const sightings: Sighting[] = [];
  const requests: { begun: number; ended: number; granted: boolean }[] = [];
  return {
    room,
    id,
    token,
    stays: [],
    clients: [],
    sightings,
    requests,
    saw({ type, id: message, version }) {
      const at = performance.now();
      sightings.push({ type: `${type}`, at, id: message as number, version: version as number });
    },
    asked: (begun, granted) => void requests.push({ begun, ended: performance.now(), granted }),
  };
}

/** Frames without a version: they end soon after a removal, not with it. */
const SIGNALS = ["presence", "typing", "read"];
const VERSIONED = ["message", "notice", "joined", "synced", "lagging"];

export interface Judged {
  readonly measured: string;
  readonly wrong: readonly string[];
}

/** Compares what guests received and did with when the rooms' order says that they were members. */
export async function judgeGuests(
  database: Database,
  guests: readonly Guest[],
  keepsPast: (room: string) => boolean,
): Promise<Judged> {
  const wrong: string[] = [];
  let removals = 0;
  let seen = 0;
  let afterRemoval = 0;
  let beforeFrom = 0;
  let committed = 0;
  let granted = 0;
  let refused = 0;
  let lastSignal = 0;

  for (const guest of guests) {
    const { room, stays, sightings } = guest;
    const stored = await readRoom(database, room);
    const versions = new Map(stored.notices.map(({ clientId, id }) => [clientId, id]));
    const spans = stays.map(({ added, removed }) => ({
      begun: added.begun,
      first: versions.get(added.clientId) ?? Number.NaN,
      last: removed ? (versions.get(removed.clientId) ?? Number.NaN) : Infinity,
    }));
    removals += stays.filter(({ removed }) => removed).length;
    if (spans.some(({ first, last }) => Number.isNaN(first + last)))
      wrong.push(`a change of members in ${room} left no notice`);

    // The closed times: from the response to a removal until somebody asks for them to be added again.
    const closed = stays.flatMap(({ removed }, index) =>
      removed ? { from: removed.done, to: stays[index + 1]?.added.begun ?? Infinity } : [],
    );
    for (const { type, at, id, version } of sightings) {
      if (SIGNALS.includes(type))
        for (const { from, to } of closed)
          if (at > from && at < to) lastSignal = Math.max(lastSignal, at - from);
      if (!VERSIONED.includes(type) || version === undefined) continue;
      seen++;
      const open = spans.filter(({ begun, last }) => begun <= at && version <= last);
      if (open.length === 0) afterRemoval++;
      else if (!keepsPast(room) && id !== undefined && !open.some(({ first }) => id >= first)) beforeFrom++;
    }
    for (const request of guest.requests) {
      if (!closed.some(({ from, to }) => request.begun > from && request.ended < to)) continue;
      if (request.granted) granted++;
      else refused++;
    }
    for (const version of await changesBy(database, guest))
      if (!spans.some(({ first, last }) => version > first && version < last)) committed++;

    const from = keepsPast(room) ? 0 : (spans.at(-1)?.first ?? 0);
    const messages = stored.messages.filter(({ id }) => id >= from);
    for (const { copy } of guest.clients) {
      const lost = messages.filter((message) => !isSame(message, copy.messages.get(message.id))).length;
      if (lost > 0)
        wrong.push(`a guest who is back in ${room} has not ${lost} of ${messages.length} messages`);
    }
  }

  if (afterRemoval > 0) wrong.push(`${afterRemoval} frames reached someone after their removal`);
  if (beforeFrom > 0) wrong.push(`${beforeFrom} frames showed newcomers what was before them`);
  if (committed > 0) wrong.push(`${committed} changes of people who were removed were committed`);
  if (granted > 0) wrong.push(`${granted} requests of people who were removed succeeded`);
  if (lastSignal > SIGNAL_MS) wrong.push(`a signal came ${Math.round(lastSignal)} ms after a removal`);
  if (removals === 0 || seen === 0 || refused === 0)
    wrong.push("nobody was removed, seen or refused: nothing was tested");
  return {
    measured: [
      `removals ${removals}; frames to guests ${seen}: after their removal ${afterRemoval}, before they were added ${beforeFrom}`,
      `committed by them after a removal ${committed}; requests while removed: refused ${refused}, granted ${granted}`,
      `last signal ${Math.round(lastSignal)} ms after a removal`,
    ].join("\n    "),
    wrong,
  };
}

/** Signals end within a second of a removal. The rest is a margin for busy processes and for nodes that were killed. */
const SIGNAL_MS = 5_000;

/** The versions of a guest's posts and other changes. What changed nothing has the version of an earlier change. */
async function changesBy(database: Database, { room, id }: Guest): Promise<number[]> {
  const found = await database.run((orm) =>
    rows<{ version: number }>(
      orm,
      sql`select v.version::float8 as version from users u cross join rooms r cross join lateral (
          select m.id as version from messages m where m.room_id = r.id and m.sender_id = u.id and m.notice is null
          union all
          select c.version from changes c
          where c.room_id = r.id and c.sender_id = u.id and c.kind not in ('member', 'room')
            and not exists (select from messages m where m.room_id = r.id and m.id = c.version)
            and not exists (select from changes o where o.room_id = r.id and o.version = c.version and o.at < c.at)
        ) v where u.uid = ${id} and r.name = ${room}`,
    ),
  );
  return found.map(({ version }) => version);
}
