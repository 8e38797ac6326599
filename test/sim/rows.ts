import type { Ruling } from "../../src/chat/change.ts";
import type { Seat } from "../../src/chat/ports.ts";
import { isSecret, noRoom, type RoomFacts } from "../../src/chat/rights.ts";
import { type Answered, type Known, stateOf } from "../../src/chat/room/decide.ts";
import type { PinChange } from "../../src/chat/room/verdict.ts";
import type { Message } from "../../src/message.ts";
import { enact } from "./enact.ts";
import { createOrder } from "./order.ts";
import { createFileRows, type FileWrite } from "./file-rows.ts";
import { createPacts, type PactWrite } from "./pacts.ts";
import { createPeople, type PeopleWrite } from "./people.ts";
import { EPOCH_MS } from "./schedule.ts";
import { createStamps } from "./watched.ts";

export interface Room {
  /** What each version wrote, beginning with version 1. */
  readonly log: Message[];
  /** Each message in its present state. */
  readonly messages: Map<number, Message>;
  /** The same with each reaction separately. */
  readonly known: Map<number, Known>;
  /** The unique keys of posts, amendments and rulings. */
  readonly answered: Map<string, Answered>;
  /** Pinned messages, with the versions of their notices. */
  readonly pins: Map<number, number>;
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
  readonly files?: readonly FileWrite[];
  readonly ruling?: Ruling;
  readonly pins?: readonly PinChange[];
}

/** A new epoch adds this to the fences of rooms in which anyone ever lost a right. */
const EPOCH_FENCES = 1_000;

interface RowsOptions {
  readonly now: () => number;
  /** Nobody becomes a member of an open room without being added. */
  readonly membersOnly: boolean;
  fail(sentence: string, detail: string): void;
}

/** The rows of the model database. It forgets nothing: the contents of past epochs can still be read. */
export function createRows({ now, membersOnly, fail }: RowsOptions) {
  let epoch = "epoch-1";
  let rooms = new Map<string, Room>();
  let history: (Write | PeopleWrite | PactWrite | FileWrite)[] = [];
  /** How long the history was whenever nothing was half written. */
  let wholes: number[] = [];
  let isHalf = false;
  const push = (row: (typeof history)[number]) => {
    history.push(row);
    if (!isHalf) wholes.push(history.length);
  };
  const epochs = new Map([[epoch, rooms]]);
  let writes = 0;
  let restoredAt = Number.NEGATIVE_INFINITY;
  /** What the judge makes of the same changes. */
  const order = createOrder(membersOnly);
  order.begin(epoch);
  const pacts = createPacts(order);
  pacts.begin(epoch);

  const newRoom = (name: string): Room => ({
    log: [],
    messages: new Map(),
    known: new Map(),
    answered: new Map(),
    pins: new Map(),
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

  const people = createPeople({ now, factsOf, blocks: pacts.blocks });

  const stamps = createStamps(now);

  const files = createFileRows({
    now,
    roomExists: (name) => rooms.has(name),
    fenceOf: (name) => roomOf(name).facts.fence,
    beginsAfter: (name) => roomOf(name).facts.beginsAfter,
    write: (row) => writeFile(row),
  });
  const writeFile = (row: FileWrite) => {
    files.apply(row);
    push(row);
  };

  const writePact = (row: PactWrite) => {
    pacts.write(row);
    push(row);
  };

  const writeRow = (row: PeopleWrite) => {
    people.write(row);
    if ("member" in row) stamps.write(row);
  };

  /** Writes a row about a person outside of a commit, so without a notice. */
  const writePerson = (row: PeopleWrite) => {
    const { room, userId } = row.seat;
    made(room);
    if ("member" in row && order.isKnown(room, userId))
      order.setStanding(room, userId, counterOf(room), { state: row.member.state });
    writeRow(row);
    push(row);
  };

  const write = (row: Write) => {
    const room = made(row.room);
    if (row.known) {
      const message = stateOf(row.known);
      const place = `${row.room}.${message.id}`;
      const before = room.messages.get(message.id);
      if (before?.deletedAt) fail("a deleted message was changed", place);
      if (before?.notice) fail("a notice was changed", place);
      if (
        message.deletedAt &&
        (message.content || message.data || message.files || message.mentions || message.reactions.length > 0)
      )
        fail("a deleted message kept something", place);
      if (message.version !== room.log.length + 1) throw new Error("a version is not the room's next");
      room.log.push(message);
      room.messages.set(message.id, message);
      room.known.set(message.id, row.known);
      if (row.ruling && message.notice) {
        enact(order, epoch, row.ruling, message, {
          isIn: (userId) => people.isMember({ userId, room: row.room }),
          members: () => people.members(row.room),
        });
        if (row.ruling.kind === "member" && row.ruling.link !== undefined) pacts.used(row.ruling.link);
      }
    }
    for (const [key, answered] of row.answered ?? []) room.answered.set(key, answered);
    if (row.facts) room.facts = row.facts;
    for (const each of row.people ?? []) writeRow(each);
    for (const each of row.files ?? []) files.apply(each);
    for (const { id, version } of row.pins ?? [])
      if (version === null) room.pins.delete(id);
      else room.pins.set(id, version);
    if (row.known?.notice?.type === "deleted") room.pins.clear();
    // Who was in an open room that becomes private stays in it.
    if (row.known?.notice?.kind)
      for (const userId of people.members(row.room))
        order.setStanding(row.room, userId, room.log.length, { state: "in" });
    push(row);
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
    pacts,
    people,
    files,
    stamps,
    /** In virtual milliseconds. */
    get restoredAt() {
      return restoredAt;
    },
    names: (): string[] => [...rooms.keys()],
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
    writePact,
    writePerson,
    /** Makes someone a member of an open room, as a join or a post does. */
    enrol(seat: Seat, version: number) {
      const mayEnter = factsOf(seat.room).kind === "open" && (!membersOnly || people.isMember(seat));
      if (!mayEnter)
        return fail("someone became a member of a room that others have to let them into", seat.room);
      const member = people.enrolled(seat, version);
      if (member) writePerson({ seat, member });
    },
    /** Writes rows that a backup has all of, or none. */
    together(work: () => void) {
      isHalf = true;
      try {
        work();
      } finally {
        isHalf = false;
        wholes.push(history.length);
      }
    },
    /** Goes back to the state after about the first `size` writes, as from a backup, with a new epoch. */
    restore(size: number) {
      const kept = history.slice(0, wholes.findLast((whole) => whole <= size) ?? 0);
      epoch = `epoch-${epochs.size + 1}`;
      rooms = new Map();
      history = [];
      wholes = [];
      epochs.set(epoch, rooms);
      order.begin(epoch);
      pacts.begin(epoch);
      people.reset();
      stamps.reset();
      files.reset();
      restoredAt = now();
      for (const row of kept) {
        if ("seat" in row) writePerson(row);
        else if ("room" in row) write(row);
        else if ("file" in row || "forgotten" in row) writeFile(row);
        else writePact(row);
      }
      for (const room of rooms.values())
        if (room.facts.fence > 0) room.facts = { ...room.facts, fence: room.facts.fence + EPOCH_FENCES };
    },
  };
}

export type Rows = ReturnType<typeof createRows>;
