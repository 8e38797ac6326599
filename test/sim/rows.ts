import type { Ruling } from "../../src/chat/change.ts";
import type { Seat } from "../../src/chat/ports.ts";
import { isSecret, noRoom, type RoomFacts } from "../../src/chat/rights.ts";
import { type Answered, type Known, stateOf } from "../../src/chat/room/decide.ts";
import type { Message } from "../../src/message.ts";
import { enact } from "./enact.ts";
import { createOrder } from "./order.ts";
import { createPeople, type PeopleWrite } from "./people.ts";
import { EPOCH_MS } from "./schedule.ts";

export interface Room {
  /** What each version wrote, beginning with version 1. */
  readonly log: Message[];
  /** Each message in its present state. */
  readonly messages: Map<number, Message>;
  /** The same with each reaction separately. */
  readonly known: Map<number, Known>;
  /** The unique keys of posts, amendments and rulings. */
  readonly answered: Map<string, Answered>;
  /** Everything else about the room. Its version is not kept here. */
  facts: RoomFacts;
}

/** Rows that belong together: a message in a new state, acks, or both; with a ruling, also what it changed. */
export interface Write {
  readonly room: string;
  readonly known?: Known;
  readonly answered?: readonly (readonly [key: string, answered: Answered])[];
  readonly facts?: RoomFacts;
  readonly people?: readonly PeopleWrite[];
  readonly ruling?: Ruling;
}

/** A new epoch adds this to the fences of rooms in which anyone ever lost a right. */
const EPOCH_FENCES = 1_000;

/** The rows of the model database. It forgets nothing: the contents of past epochs can still be read. */
export function createRows(now: () => number, fail: (sentence: string, detail: string) => void) {
  let epoch = "epoch-1";
  let rooms = new Map<string, Room>();
  let history: (Write | PeopleWrite)[] = [];
  const epochs = new Map([[epoch, rooms]]);
  let writes = 0;
  /** What the judge makes of the same changes. */
  const order = createOrder();
  order.begin(epoch);

  const newRoom = (name: string): Room => ({
    log: [],
    messages: new Map(),
    known: new Map(),
    answered: new Map(),
    facts: noRoom(name),
  });
  /** A room as it is read: one that does not exist has nothing in it. */
  const roomOf = (name: string): Room => rooms.get(name) ?? newRoom(name);
  /** A room as it is written to. */
  const made = (name: string): Room => {
    const room = roomOf(name);
    rooms.set(name, room);
    if (!isSecret(name)) room.facts = { ...room.facts, exists: true };
    return room;
  };
  const counterOf = (name: string) => rooms.get(name)?.log.length ?? 0;
  const factsOf = (name: string): RoomFacts => ({ ...roomOf(name).facts, version: counterOf(name) });

  const people = createPeople(now, factsOf);

  /** Writes a row about a person outside of a commit, so without a notice. */
  const writePerson = (row: PeopleWrite) => {
    const { room, userId } = row.seat;
    made(room);
    if ("member" in row && order.isKnown(room, userId))
      order.setStanding(room, userId, counterOf(room), { state: row.member.state });
    people.write(row);
    history.push(row);
  };

  const write = (row: Write) => {
    const room = made(row.room);
    if (row.known) {
      const message = stateOf(row.known);
      const place = `${row.room}.${message.id}`;
      const before = room.messages.get(message.id);
      if (before?.deletedAt) fail("a deleted message was changed", place);
      if (before?.notice) fail("a notice was changed", place);
      if (message.deletedAt && (message.content || message.data || message.reactions.length > 0))
        fail("a deleted message kept something", place);
      if (message.version !== room.log.length + 1) throw new Error("a version is not the room's next");
      room.log.push(message);
      room.messages.set(message.id, message);
      room.known.set(message.id, row.known);
      if (row.ruling && message.notice) {
        const isIn = (userId: number) => people.isMember({ userId, room: row.room });
        enact(order, epoch, row.ruling, message, isIn);
      }
    }
    for (const [key, answered] of row.answered ?? []) room.answered.set(key, answered);
    if (row.facts) room.facts = row.facts;
    for (const each of row.people ?? []) people.write(each);
    // Who was in an open room that becomes private stays in it.
    if (row.known?.notice?.kind)
      for (const userId of people.members(row.room))
        order.setStanding(row.room, userId, room.log.length, { state: "in" });
    history.push(row);
  };

  return {
    get epoch() {
      return epoch;
    },
    /** Whether there was a restore. */
    get isRestored() {
      return epochs.size > 1;
    },
    get size() {
      return history.length;
    },
    order,
    people,
    roomOf,
    factsOf,
    counterOf,
    exists: (name: string) => rooms.has(name),
    inEpoch: (ofEpoch: string, name: string) => epochs.get(ofEpoch)?.get(name),
    inEpochs: (name: string): Room[] => [...epochs.values()].flatMap((all) => all.get(name) ?? []),
    /** To the microsecond, so that no two timestamps are equal. */
    timestamp() {
      const micros = String(++writes % 1_000).padStart(3, "0");
      return `${new Date(EPOCH_MS + now()).toISOString().slice(0, -1)}${micros}Z`;
    },
    write,
    writePerson,
    /** Makes someone a member of an open room, as a join or a post does. */
    enrol(seat: Seat, version: number) {
      if (factsOf(seat.room).kind !== "open")
        return fail("someone became a member of a room that others have to let them into", seat.room);
      const member = people.enrolled(seat, version);
      if (member) writePerson({ seat, member });
    },
    /** Goes back to the state after the first `size` writes, as from a backup, with a new epoch. */
    restore(size: number) {
      const kept = history.slice(0, size);
      epoch = `epoch-${epochs.size + 1}`;
      rooms = new Map();
      history = [];
      epochs.set(epoch, rooms);
      order.begin(epoch);
      people.reset();
      for (const row of kept) {
        if ("seat" in row) writePerson(row);
        else write(row);
      }
      for (const room of rooms.values())
        if (room.facts.fence > 0) room.facts = { ...room.facts, fence: room.facts.fence + EPOCH_FENCES };
    },
  };
}

export type Rows = ReturnType<typeof createRows>;
