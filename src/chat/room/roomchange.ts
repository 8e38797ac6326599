import type { ErrorCode } from "../../protocol/codes.ts";
import { DIRECT_PEOPLE, type NoticeType, USERS_MAX } from "../../protocol/membership.ts";
import type { Creation, Reform, RoomSettings, Ruling } from "../change.ts";
import { isSecret, permits, type RoomFacts, type SeatFacts } from "../rights.ts";
import { entered } from "./memberchange.ts";
import type { Case, Verdict } from "./verdict.ts";

type SettingsChange = Ruling & Reform;

/** Decides a change of a room: what it does, undefined if it changes nothing, or the reason for a refusal. */
export function changeRoom(change: SettingsChange, about: Case): Verdict | ErrorCode | undefined {
  const { room, byOperator, sender, now } = about;
  const { set, create } = change;
  if (create) return created(change, create, about);
  if (!byOperator) {
    const { title, topic, kind, deleted, ...others } = set;
    const describes = title !== undefined || topic !== undefined;
    const governs = Object.values(others).some((value) => value !== undefined);
    const refused =
      (describes ? permits(sender, "describe", { now }) : undefined) ??
      (governs || !describes ? permits(sender, "govern", { now }) : undefined);
    if (refused) return refused;
    if (kind !== undefined || deleted !== undefined) return "forbidden";
  }
  if (set.deleted === false) return "invalid";
  if (set.deleted) return deletion(about);
  if (set.kind === "open" && isSecret(change.room)) return "invalid";
  const isDirect = room.kind === "direct";
  if (isDirect && Object.keys(settingsOf(set)).some((name) => name !== "archived")) return "direct_room";

  const moved = difference(room, settingsOf(set));
  const type = typeOf(moved);
  if (!type) return undefined;
  return {
    notice: { type, ...shown(moved) },
    users: [],
    takes: moved.archived === true || moved.kind !== undefined,
    room: moved,
  };
}

/**
 * Ends the room's life: nobody is in it, and nobody sees what was. An open room is as if it had never been, so its next
 * message begins the new life. Others begin it by a creation.
 */
function deletion({ room, next }: Case): Verdict | undefined {
  const isOpen = room.kind === "open";
  if (isOpen && room.beginsAfter >= next - 1) return undefined;
  return {
    notice: { type: "deleted" },
    users: [],
    takes: true,
    emptied: true,
    room: { ...BLANK, deleted: !isOpen, beginsAfter: next },
  };
}

const BLANK = {
  archived: false,
  title: "",
  topic: "",
  history: "all",
  membersAdd: false,
  receipts: false,
} as const satisfies Partial<RoomFacts>;

/** The settings that are given. */
const settingsOf = (set: RoomSettings): Partial<RoomFacts> =>
  Object.fromEntries(Object.entries(set).filter(([, value]) => value !== undefined));

const difference = (room: RoomFacts, set: Partial<RoomFacts>): Partial<RoomFacts> =>
  Object.fromEntries(Object.entries(set).filter(([name, value]) => room[name as keyof RoomFacts] !== value));

/** A notice has the type of the weightiest change. */
function typeOf(moved: Partial<RoomFacts>): NoticeType | undefined {
  if (moved.kind) return "kind";
  if (moved.archived !== undefined) return moved.archived ? "archived" : "restored";
  if (moved.history) return "history";
  if (moved.membersAdd !== undefined || moved.receipts !== undefined) return "settings";
  if (moved.title !== undefined) return "title";
  return moved.topic === undefined ? undefined : "topic";
}

/** What a notice says about the room besides its type. */
const shown = ({ kind, title, topic, history, membersAdd, receipts }: Partial<RoomFacts>) => ({
  ...(kind !== undefined && { kind }),
  ...(title !== undefined && { title }),
  ...(topic !== undefined && { topic }),
  ...(history !== undefined && { history }),
  ...(membersAdd !== undefined && { membersAdd }),
  ...(receipts !== undefined && { receipts }),
});

/** A new room, or a new life of a deleted one. The people of a direct room get the one that they have. */
function created(change: SettingsChange, create: Creation, about: Case): Verdict | ErrorCode | undefined {
  const { room, byOperator, next, seatOf } = about;
  const { senderId, set } = change;
  const isDirect = create.kind === "direct";
  const people = [...new Set(byOperator || isDirect ? create.people : [senderId, ...create.people])];
  if (!about.exist(people)) return "not_found";
  if (isDirect) {
    if (people.length < DIRECT_PEOPLE.least || people.length > DIRECT_PEOPLE.most) return "invalid";
    if (!byOperator && !people.includes(senderId)) return "invalid";
    if (people.some((one) => people.some((other) => about.blocks(one, other)))) return "forbidden";
    if (room.kind === "direct" && !room.deleted && next > 1) return undefined;
  } else {
    if (people.length > USERS_MAX || (create.kind === "open" && !byOperator)) return "invalid";
    if (create.kind === "open" && isSecret(change.room)) return "invalid";
    if (!byOperator && people.some((userId) => about.blocks(userId, senderId))) return "forbidden";
    if (people.some((userId) => seatOf(userId).banned)) return "forbidden";
  }
  if (!about.fresh && !room.deleted) return "room_exists";

  const { title = "", topic = "", history = "all", membersAdd = false, receipts = false } = set;
  const owners = new Set(isDirect ? [] : byOperator ? create.owners : [senderId]);
  const facts = { kind: create.kind, title, topic, history, membersAdd, receipts } as const;
  const seats = new Map<number, SeatFacts>(
    people.map((userId) => [
      userId,
      // The room's beginning decides what they see.
      {
        ...entered(seatOf(userId), about, owners.has(userId) ? "owner" : "member"),
        fromId: 0,
        mutedUntil: null,
      },
    ]),
  );
  return {
    notice: {
      type: "created",
      kind: create.kind,
      ...(title !== "" && { title }),
      ...(topic !== "" && { topic }),
      ...(isDirect ? {} : { history }),
    },
    users: people,
    takes: true,
    room: { ...facts, deleted: false, archived: false, beginsAfter: next - 1 },
    seats,
  };
}
