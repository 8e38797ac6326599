import { type Ack, changeKey, type Key } from "../../src/chat/change.ts";
import type { Bounds, HistoryPage, Page, Reading, Seat, View } from "../../src/chat/ports.ts";
import { isSecret, type Membership, membershipOf } from "../../src/chat/rights.ts";
import { type Known, stateOf } from "../../src/chat/room/decide.ts";
import { cutToSize, fitting } from "../../src/chat/room/pages.ts";
import { Refusal } from "../../src/errors.ts";
import { lengthOf, type Message, type RoomChange } from "../../src/message.ts";
import { createCommits } from "./commits.ts";
import { createRows } from "./rows.ts";

export { POISON } from "./commits.ts";

/** About the size of a message in the database, which bounds what a page reads, in bytes. */
const storedBytes = (message: Message) => 256 + lengthOf(message);

interface DatabaseOptions {
  readonly now: () => number;
  readonly pageRows: number;
  readonly users: number;
  fail(sentence: string, detail: string): void;
  /** A room was created. */
  created(room: string): void;
}

/** A model of the contracts in `ports.ts`. Each call happens at once and completely; `store.ts` adds time and failures. */
export function createDatabase({ now, pageRows, users, fail, created }: DatabaseOptions) {
  const rows = createRows(now, fail);
  const commits = createCommits({ rows, now, users, fail, created });
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
    people,
    restore: rows.restore,
    memberships: (seats: readonly Seat[]): Membership[] =>
      seats.map((seat) => membershipOf(seat.room, factsOf(seat.room), people.seatOf(seat))),
    join: (seats: readonly Seat[]): (Reading | Refusal)[] =>
      seats.map((seat) => {
        const { kind, deleted } = factsOf(seat.room);
        const { state } = people.seatOf(seat);
        if (state !== "in" && (kind !== "open" || deleted))
          return new Refusal(isSecret(seat.room) && state === "none" ? "not_found" : "forbidden");
        if (state !== "in") rows.enrol(seat, counterOf(seat.room));
        return people.readingOf(seat);
      }),
    leave(seat: Seat) {
      const member = people.leaving(seat);
      if (member) rows.writePerson({ seat, member });
      return member !== undefined;
    },
    mark: (marks: readonly (Seat & { readonly id: number })[]) =>
      marks.map(({ id, ...seat }) => {
        const before = people.readingOf(seat).lastRead;
        const lastRead = Math.max(before, Math.min(id, counterOf(seat.room)));
        rows.writePerson({ seat, lastRead });
        return { lastRead, moved: lastRead > before };
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
          ? { ...old, version, content: "", data: null, reactors: [], deletedAt: at }
          : { ...old, version, content, editedAt: at };
      rows.write({ room: name, known: changed });
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
      { from = 1, notices = true }: View = {},
    ): HistoryPage {
      const { messages } = roomOf(name);
      const { version: counter, fence } = factsOf(name);
      const limit = bounds.messages + 1;
      const isShown = (message: Message) => message.id >= from && (notices || !message.notice);
      const found =
        "after" in range
          ? firstAfter(messages, range.after, limit, isShown)
          : [...messages.values()]
              .filter((message) => message.id < range.before && isShown(message))
              .slice(-limit)
              .reverse();
      const fit = fitting(found.slice(0, bounds.messages), storedBytes, bounds.bytes);
      return {
        epoch: rows.epoch,
        counter,
        fence,
        messages: "after" in range ? fit : fit.toReversed(),
        more: fit.length < found.length,
      };
    },
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
