import { type Ack, type Change, changeKey, type Key, type Outcome } from "../../src/chat/change.ts";
import {
  type Answered,
  decide,
  type Known,
  messageKey,
  repeated,
  stateOf,
} from "../../src/chat/room/decide.ts";
import { cutToSize, fitting } from "../../src/chat/room/pages.ts";
import {
  type Bounds,
  type Committed,
  CommitFailure,
  type HistoryPage,
  type Page,
} from "../../src/chat/ports.ts";
import { noRoom } from "../../src/chat/rights.ts";
import { lengthOf, type Message, type RoomChange } from "../../src/message.ts";
import type { ErrorCode } from "../../src/protocol/codes.ts";
import { createPeople, type PeopleWrite } from "./people.ts";
import { EPOCH_MS } from "./schedule.ts";

/** A content that this database rejects. */
/** About the size of a message in the database, which bounds what a page reads, in bytes. */
const storedBytes = (message: Message) => 256 + lengthOf(message);

export const POISON = "\u2620";

interface Room {
  /** What each version wrote, beginning with version 1. */
  readonly log: Message[];
  /** Each message in its present state. */
  readonly messages: Map<number, Message>;
  /** The same with each reaction separately. */
  readonly known: Map<number, Known>;
  /** The unique keys of posts and amendments. */
  readonly answered: Map<string, Answered>;
}

/** Rows that belong together: a message in a new state, an ack, or both. */
interface Write {
  readonly room: string;
  readonly known?: Known;
  readonly key?: string;
  readonly answered?: Answered;
}

/**
 * A model of the contracts in `ports.ts`. Each call happens at once and completely; `store.ts` adds time and failures. It
 * forgets nothing: the contents of past epochs can still be read.
 */
export function createDatabase(
  now: () => number,
  pageRows: number,
  fail: (sentence: string, detail: string) => void,
) {
  let epoch = "epoch-1";
  let rooms = new Map<string, Room>();
  let history: (Write | PeopleWrite)[] = [];
  const epochs = new Map([[epoch, rooms]]);
  const refusals = new Set<string>();
  let writes = 0;

  const roomOf = (name: string): Room => {
    const room = rooms.get(name) ?? { log: [], messages: new Map(), known: new Map(), answered: new Map() };
    rooms.set(name, room);
    return room;
  };

  const people = createPeople(
    now,
    (room) => rooms.get(room)?.log.length ?? 0,
    (row) => void history.push(row),
  );

  const write = (row: Write) => {
    const room = roomOf(row.room);
    if (row.known) {
      const message = stateOf(row.known);
      const place = `${row.room}.${message.id}`;
      if (room.messages.get(message.id)?.deletedAt) fail("a deleted message was changed", place);
      if (message.deletedAt && (message.content || message.data || message.reactions.length > 0))
        fail("a deleted message kept something", place);
      if (message.version !== room.log.length + 1) throw new Error("a version is not the room's next");
      room.log.push(message);
      room.messages.set(message.id, message);
      room.known.set(message.id, row.known);
    }
    if (row.key && row.answered) room.answered.set(row.key, row.answered);
    history.push(row);
  };

  /** To the microsecond, so that no two timestamps are equal. */
  const timestamp = () => {
    const micros = String(++writes % 1_000).padStart(3, "0");
    return `${new Date(EPOCH_MS + now()).toISOString().slice(0, -1)}${micros}Z`;
  };

  /** Applies the rules to one change after another, so that each version has its own state in the log. */
  const commit = (changes: readonly Change[], careful: boolean): Committed => {
    if (changes.some((change) => "content" in change && change.content.includes(POISON)))
      throw failure("invalid");
    const isThere = (change: Change) => rooms.get(change.room)?.answered.has(changeKey(change));
    if (!careful && changes.some(isThere)) throw failure("duplicate");
    const at = timestamp();
    const outcomes = changes.map((change) => {
      const { room } = change;
      const there = rooms.get(room);
      const key = changeKey(change);
      const before = there?.answered.get(key);
      const target = "id" in change ? there?.known.get(change.id) : undefined;
      const isMade = there !== undefined || change.kind === "post";
      const { outcomes, messages, recorded, enrolled } = decide([change], {
        rooms: new Map(
          isMade ? [[room, { ...noRoom(room), exists: true, version: there?.log.length ?? 0, at }]] : [],
        ),
        seats: new Map(),
        answered: new Map(before ? [[key, before]] : []),
        messages: new Map(target ? [[messageKey(room, target.id), target]] : []),
        replied: new Set(
          change.kind === "post" && there?.known.has(change.replyTo ?? 0)
            ? [messageKey(room, change.replyTo ?? 0)]
            : [],
        ),
      });
      const [outcome] = outcomes;
      if (!outcome) throw new Error("a change was not decided");
      if ("refused" in outcome) refusals.add(`${outcome.refused} ${key}`);
      else if (!outcome.ack.duplicate) {
        const [changed] = messages.values();
        if ((change.kind === "edit" || change.kind === "delete") && target?.senderId !== change.senderId)
          fail("someone changed another's message", `${room}.${change.id}`);
        for (const { version, ...seat } of enrolled) people.enrol(seat, version);
        const answered = { kind: change.kind, ack: outcome.ack };
        write({
          room,
          ...((change.kind === "post" || recorded.length > 0) && { key, answered }),
          ...(changed && { known: changed.message }),
        });
      }
      if ("ack" in outcome && outcome.ack.duplicate && enrolled.length > 0)
        fail("a repeat made its sender a member again", `${room}.${outcome.ack.id}`);
      return outcome;
    });
    return { epoch, outcomes };
  };

  const bounded = (name: string, messages: Message[], place: (message: Message) => number): Page => {
    const counter = roomOf(name).log.length;
    const found = { messages: messages.slice(0, pageRows), more: messages.length > pageRows };
    return cutToSize({ epoch, counter, fence: 0, ...found }, place);
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
    people,
    /** Commits changes that are all new. */
    commitNew: (changes: readonly Change[]) => commit(changes, false),
    /** Commits changes that may have been committed before. */
    commitCarefully: (changes: readonly Change[]) => commit(changes, true),
    /** The outcome of a change that was committed before. */
    answered(change: Change): Outcome | undefined {
      const before = rooms.get(change.room)?.answered.get(changeKey(change));
      return before && repeated(change, before);
    },
    /** Changes an existing message, as an edit or deletion on another node does. */
    change(name: string, id: number, content: string | null): RoomChange | undefined {
      const { known, log } = roomOf(name);
      const old = known.get(id);
      if (!old || old.deletedAt !== null) return undefined;
      const version = log.length + 1;
      const at = timestamp();
      const changed: Known =
        content === null
          ? { ...old, version, content: "", data: null, reactors: [], deletedAt: at }
          : { ...old, version, content, editedAt: at };
      write({ room: name, known: changed });
      return { epoch, room: name, from: version, to: version, states: [stateOf(changed)] };
    },
    changesSince(name: string, after: number): Page {
      const { log, messages } = roomOf(name);
      const changed: Message[] = [];
      for (let index = after; index < log.length && changed.length <= pageRows; index++) {
        const message = log[index] as Message;
        if (messages.get(message.id) === message) changed.push(message);
      }
      return bounded(name, changed, ({ version }) => version);
    },
    postsSince(name: string, after: number): Page {
      const { messages } = roomOf(name);
      return bounded(name, firstAfter(messages, after, pageRows + 1), ({ id }) => id);
    },
    messages(name: string, range: { after: number } | { before: number }, bounds: Bounds): HistoryPage {
      const { messages, log } = roomOf(name);
      const limit = bounds.messages + 1;
      const found =
        "after" in range
          ? firstAfter(messages, range.after, limit)
          : [...messages.values()]
              .filter(({ id }) => id < range.before)
              .slice(-limit)
              .reverse();
      const fit = fitting(found.slice(0, bounds.messages), storedBytes, bounds.bytes);
      return {
        epoch,
        counter: log.length,
        fence: 0,
        messages: "after" in range ? fit : fit.toReversed(),
        more: fit.length < found.length,
      };
    },
    counters(names: readonly string[]) {
      const versions = new Map(names.map((name) => [name, rooms.get(name)?.log.length ?? 0]));
      return { epoch, versions, fences: new Map(names.map((name) => [name, 0])) };
    },
    /** Goes back to the state after the first `size` writes, as from a backup, with a new epoch. */
    restore(size: number) {
      const kept = history.slice(0, size);
      epoch = `epoch-${epochs.size + 1}`;
      rooms = new Map();
      history = [];
      epochs.set(epoch, rooms);
      people.reset();
      for (const row of kept) {
        if ("seat" in row) people.write(row);
        else write(row);
      }
    },
    /** Returns what a version wrote in an epoch. */
    written: (ofEpoch: string, name: string, version: number): Message | undefined =>
      epochs.get(ofEpoch)?.get(name)?.log[version - 1],
    /** Returns the ack of a change in each epoch that has it. */
    committed(change: Key): Ack[] {
      const key = changeKey(change);
      return [...epochs.values()].flatMap((all) => {
        const answered = all.get(change.room)?.answered.get(key);
        return answered?.kind === change.kind ? [answered.ack] : [];
      });
    },
    /** Whether a change was ever refused with this code. */
    refused: (change: Key, code: ErrorCode) => refusals.has(`${code} ${changeKey(change)}`),
    /** Returns every state of a message, in every epoch. */
    posted: (name: string, id: number): Message[] =>
      [...epochs.values()].flatMap((all) => all.get(name)?.log.filter((message) => message.id === id) ?? []),
    /** Whether the message with this client id, or else with this text, is deleted. */
    isDeleted: (name: string, clientId: string | undefined, content?: string): boolean =>
      [...roomOf(name).messages.values()].some(
        (message) =>
          message.deletedAt !== null &&
          (clientId === undefined
            ? roomOf(name).log[message.id - 1]?.content === content
            : message.clientId === clientId),
      ),
    current: (name: string) => roomOf(name),
  };
}

export type SimDatabase = ReturnType<typeof createDatabase>;

const failure = (kind: "duplicate" | "invalid") => new CommitFailure(kind, new Error("simulated"));

function firstAfter(messages: ReadonlyMap<number, Message>, after: number, limit: number): Message[] {
  const found: Message[] = [];
  for (const message of messages.values()) {
    if (found.length === limit) break;
    if (message.id > after) found.push(message);
  }
  return found;
}
