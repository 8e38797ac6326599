import { type Ack, changeKey, type Key } from "../../src/chat/change.ts";
import type {
  Bounds,
  HistoryPage,
  MarkRange,
  Page,
  PinPage,
  PinRange,
  Reading,
  Seat,
  View,
} from "../../src/chat/ports.ts";
import { isSecret, type Membership, membershipOf } from "../../src/chat/rights.ts";
import { type Known, stateOf } from "../../src/chat/room/decide.ts";
import { cutToSize, fitting } from "../../src/chat/room/pages.ts";
import { Refusal } from "../../src/errors.ts";
import { isMain, lengthOf, type Message, type RoomChange } from "../../src/message.ts";
import { createCommits } from "./commits.ts";
import { pinPage } from "./pinned.ts";
import { createRows } from "./rows.ts";
import { createSocial } from "./social.ts";
import { createThreadRows, repliesAt } from "./threads.ts";
import { createWatched } from "./watched.ts";

export { POISON } from "./commits.ts";

/** About the size of a message in the database, which bounds what a page reads, in bytes. */
const storedBytes = (message: Message) => 256 + lengthOf(message);

interface DatabaseOptions {
  readonly now: () => number;
  readonly pageRows: number;
  readonly users: number;
  /** Nobody enters an open room without being a member. */
  readonly membersOnly: boolean;
  fail(sentence: string, detail: string): void;
  /** A room was created. */
  created(room: string): void;
}

/** A model of the contracts in `ports.ts`. Each call happens at once and completely; `store.ts` adds time and failures. */
export function createDatabase(options: DatabaseOptions) {
  const { pageRows, membersOnly } = options;
  const rows = createRows(options);
  const social = createSocial({ ...options, rows });
  const commits = createCommits({ ...options, rows, social });
  const { people, order, roomOf, factsOf, counterOf } = rows;

  const bounded = (name: string, messages: Message[], place: (message: Message) => number): Page => {
    const { version: counter, fence } = factsOf(name);
    const found = { messages: messages.slice(0, pageRows), more: messages.length > pageRows };
    return cutToSize({ epoch: rows.epoch, counter, fence, ...found }, place);
  };

  return {
    ...commits,
    get epoch() {
      return rows.epoch;
    },
    get isRestored() {
      return rows.isRestored;
    },
    get size() {
      return rows.size;
    },
    order,
    pacts: rows.pacts,
    people,
    files: rows.files,
    hasRoom: rows.exists,
    social,
    stamps: rows.stamps,
    watched: createWatched(rows),
    threads: createThreadRows(rows),
    /** What each version of a room wrote in an epoch. */
    log: (epoch: string, name: string): readonly Message[] => rows.inEpoch(epoch, name)?.log ?? [],
    get restoredAt() {
      return rows.restoredAt;
    },
    restore: rows.restore,
    memberships: (seats: readonly Seat[]): Membership[] =>
      seats.map((seat) => membershipOf(seat.room, factsOf(seat.room), people.seatOf(seat))),
    join: (seats: readonly Seat[]): (Reading | Refusal)[] =>
      seats.map((seat) => {
        const { kind, deleted } = factsOf(seat.room);
        const { state } = people.seatOf(seat);
        if (state !== "in" && (kind !== "open" || deleted || membersOnly))
          return new Refusal(isSecret(seat.room) && state === "none" ? "not_found" : "forbidden");
        if (state !== "in") rows.enrol(seat, counterOf(seat.room));
        return people.readingOf(seat);
      }),
    leave(seat: Seat) {
      const member = people.leaving(seat);
      if (member) rows.writePerson({ seat, member });
      return member !== undefined;
    },
    mark: (marks: readonly (Seat & MarkRange)[]) =>
      marks.map(({ min, max, ...seat }) => {
        const before = people.readingOf(seat).lastRead;
        const lastRead = Math.min(max, Math.max(before, Math.min(min, counterOf(seat.room))));
        rows.writePerson({ seat, lastRead });
        return { lastRead, moved: lastRead !== before, ...(lastRead < before && { back: true as const }) };
      }),
    /** Changes an existing message, as an edit or deletion on another node does. */
    change(name: string, id: number, content: string | null): RoomChange | undefined {
      const { known, log } = roomOf(name);
      const old = known.get(id);
      if (!old || old.deletedAt !== null || old.notice) return undefined;
      const version = log.length + 1;
      const at = rows.timestamp();
      const changed: Known =
        content === null
          ? {
              ...old,
              version,
              content: "",
              data: null,
              files: null,
              mentions: null,
              reactors: [],
              deletedAt: at,
            }
          : { ...old, version, content, editedAt: at };
      const files = content === null ? rows.files.emptied(name, id) : [];
      rows.write({ room: name, known: changed, files });
      return { epoch: rows.epoch, room: name, from: version, to: version, states: [stateOf(changed)] };
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
    postsSince: (name: string, after: number): Page =>
      bounded(name, firstAfter(roomOf(name).messages, after, pageRows + 1), ({ id }) => id),
    messages(
      name: string,
      range: { after: number } | { before: number },
      bounds: Bounds,
      { from = 1, notices = true, main = false, thread, replies = false }: View = {},
    ): HistoryPage {
      const { messages, log } = roomOf(name);
      const { version: counter, fence } = factsOf(name);
      const limit = bounds.messages + 1;
      const isShown = (message: Message) =>
        message.id >= from &&
        (notices || !message.notice) &&
        (thread === undefined || message.thread?.root === thread) &&
        (!main || isMain(message) || (message.thread?.root ?? 0) < from);
      const summed = (message: Message): Message => {
        const found = replies && !message.notice && !message.thread && repliesAt(log, message.id, counter);
        return found ? { ...message, replies: found } : message;
      };
      const found =
        "after" in range
          ? firstAfter(messages, range.after, limit, isShown)
          : [...messages.values()]
              .filter((message) => message.id < range.before && isShown(message))
              .slice(-limit)
              .reverse();
      const fit = fitting(found.slice(0, bounds.messages), storedBytes, bounds.bytes).map(summed);
      return {
        epoch: rows.epoch,
        counter,
        fence,
        messages: "after" in range ? fit : fit.toReversed(),
        more: fit.length < found.length,
        edge: fit.at(-1)?.id ?? 0,
      };
    },
    pinned: (name: string, range: PinRange): PinPage => pinPage(rows, name, range),
    counters: (names: readonly string[]) => ({
      epoch: rows.epoch,
      versions: new Map(names.map((name) => [name, counterOf(name)])),
      fences: new Map(names.map((name) => [name, factsOf(name).fence])),
    }),
    /** Returns what a version wrote in an epoch. */
    written: (epoch: string, name: string, version: number): Message | undefined =>
      rows.inEpoch(epoch, name)?.log[version - 1],
    /** Returns the ack of a change in each epoch that has it. */
    committed(change: Key): Ack[] {
      const key = changeKey(change);
      return rows.inEpochs(change.room).flatMap(({ answered }) => {
        const found = answered.get(key);
        return found?.kind === change.kind ? [found.ack] : [];
      });
    },
    /** Returns every state of a message, in every epoch. */
    posted: (name: string, id: number): Message[] =>
      rows.inEpochs(name).flatMap(({ log }) => log.filter((message) => message.id === id)),
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

function firstAfter(
  messages: ReadonlyMap<number, Message>,
  after: number,
  limit: number,
  isShown: (message: Message) => boolean = () => true,
): Message[] {
  const found: Message[] = [];
  for (const message of messages.values()) {
    if (found.length === limit) break;
    if (message.id > after && isShown(message)) found.push(message);
  }
  return found;
}
