import type { HistoryResult, ThreadPage } from "../../src/chat/chat.ts";
import { shown, shownAny, type ShownMessage } from "../../src/chat/codecs/encode.ts";
import type { PinPage, Seat } from "../../src/chat/ports.ts";
import { CLOSE } from "../../src/protocol/codes.ts";
import { OUT } from "./feeds.ts";
import { sameMessage } from "./copy.ts";
import { mayRead } from "./order.ts";
import { checkPins } from "./pinned.ts";
import type { Window } from "./sight.ts";
import { repliesAt } from "./threads.ts";
import type { World } from "./world.ts";

/** The operator's bans, people who leave rooms for good, and what the judge knows about who is in a room. */
export interface Rights {
  /** Anyone who joined or posted is a member, unless they are out since they asked. */
  checkMember(seat: Seat, window: Window, how: string): void;
  /** A page of history shows messages as the database has had them, and none that its reader may not see. */
  checkPage(seat: Seat, messages: readonly ShownMessage[], window: Window): void;
  /** A page over HTTP, which says from which snapshot it is. */
  checkSnapshot(seat: Seat, page: Pick<HistoryResult, "epoch" | "counter" | "messages">): void;
  /** A page of a thread has its replies in order, without a gap, and its first message. */
  checkThread(seat: Seat, root: number, page: ThreadPage): void;
  /** The pinned messages of a room, which say from which snapshot they are. */
  checkPins(seat: Seat, page: PinPage): void;
  /** Whether someone's socket may be taken out of a room that it asked for at the beginning of the window. */
  mayBeOut(seat: Seat, window: Window, code: number): boolean;
  /** Bans someone at a random node, or lifts a ban. */
  order(): void;
  /** Somebody leaves a room for good, at a random node. */
  depart(): void;
  /** Finds the people who are in a room that is closed to them. Nobody is, some seconds after faults cease. */
  enforce(): void;
}

/** From the latest one back. */
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, back) => to - back);

export function createRights(world: World): Rights {
  const { random, plan, schedule, database } = world;
  const { people, order } = database;

  const someSeat = (): Seat => ({ userId: 1 + random.below(plan.users), room: random.pick(plan.rooms) });
  const show = ({ userId, room }: Seat) => `user${userId} in ${room}`;
  const ignore = () => {};

  /** The version after which the room's life began that the window began in. */
  const beginningOf = (room: string, { epoch, step }: Window) => order.facts(epoch, room, step).beginsAfter;

  /**
   * Someone was out at some time since, or a restore may have brought such a time back. The deletion of an open room takes
   * everyone out, though it begins a new life at once.
   */
  const wasOut = ({ userId, room }: Seat, window: Window) =>
    database.isRestored ||
    (people.leftAt({ userId, room }) ?? -1) >= window.at ||
    world.sight.ever(
      userId,
      room,
      window,
      ({ facts, mine, step }) =>
        !mayRead(facts, mine) ||
        facts.beginsAfter > beginningOf(room, window) ||
        (step > window.step && (mine.state === "removed" || mine.state === "left")),
    );

  /** Whether someone may be told that they left, or that the room was deleted. */
  const isWhy = ({ userId, room }: Seat, window: Window, code: number) => {
    if (database.isRestored || (code !== CLOSE.left && code !== CLOSE.deleted)) return true;
    const hasLeft = people.seatOf({ userId, room }).state === "left";
    if (code === CLOSE.left && (hasLeft || (people.leftAt({ userId, room }) ?? -1) >= window.at)) return true;
    const begins = beginningOf(room, window);
    return world.sight.ever(userId, room, window, ({ facts, mine }) =>
      code === CLOSE.left ? mine.state === "left" : facts.deleted || facts.beginsAfter > begins,
    );
  };

  const rights: Rights = {
    checkMember(seat, window, how) {
      if (!people.isMember(seat) && !wasOut(seat, window))
        world.fail(`someone ${how} and is no member`, show(seat));
    },
    checkPage(seat, messages, window) {
      for (const message of messages) {
        const epochs = [window.epoch, database.epoch];
        const isStored = epochs.some((epoch) => {
          const state = database.written(epoch, seat.room, message.version);
          if (!state) return false;
          return state.notice ? Bun.deepEquals(shownAny(state), message) : sameMessage(shown(state), message);
        });
        if (!isStored)
          world.fail("a page has a message that the database never had", `${seat.room}.${message.id}`);
        const maySee = epochs.some((epoch) =>
          world.sight.maySee(seat.userId, seat.room, message, window, epoch),
        );
        if (!maySee)
          world.fail(
            "a page shows what its reader may not see",
            `${show(seat)}: ${message.id} of ${message.version}`,
          );
      }
    },
    checkSnapshot(seat, { epoch, counter, messages }) {
      const { userId, room } = seat;
      const { facts, mine, firstId } = world.sight.atVersion(userId, room, epoch, counter);
      // In a restored database the room may not exist, which an older pass does not know.
      if (!mayRead(facts, mine) && facts.exists)
        world.fail("a page was read by someone who may not read the room", `${show(seat)} at ${counter}`);
      for (const message of messages) {
        const { id, version } = message;
        const { replies, ...stored } = message;
        if (!Bun.deepEquals(database.written(epoch, room, version), stored) || version > counter)
          world.fail("a page has a message that its snapshot does not have", `${room}.${id}`);
        // A page is read in several statements, the last of which is from its snapshot.
        const isSum = (at: number) => Bun.deepEquals(replies, repliesAt(database.log(epoch, room), id, at));
        if (replies && !range(id, counter).some(isSum))
          world.fail("a page sums up a thread wrongly", `${room}.${id} at ${counter}`);
        if (id < firstId)
          world.fail("a page shows what its reader may not see", `${show(seat)}: ${id} before ${firstId}`);
      }
    },
    checkThread(seat, root, page) {
      const { room } = seat;
      const { epoch, counter, messages } = page;
      const where = `${show(seat)}: ${root} at ${counter}`;
      if (page.root.id !== root || page.root.thread || page.root.notice)
        world.fail("a thread begins with another message", where);
      const ids = messages.map(({ id }) => id);
      const [first, last] = [ids[0], ids.at(-1)];
      const { firstId } = world.sight.atVersion(seat.userId, room, epoch, counter);
      if (root < firstId) world.fail("a page shows what its reader may not see", where);
      const all = database
        .log(epoch, room)
        .slice(0, counter)
        .filter(({ id, version, thread }) => id === version && thread?.root === root)
        .map(({ id }) => id);
      const expected = all.filter(
        (id) => first !== undefined && last !== undefined && id >= first && id <= last,
      );
      if (!Bun.deepEquals(ids, expected)) world.fail("a page of a thread left something out", where);
      const hasMore = (side: boolean, isMore: boolean) => side || !isMore;
      if (first !== undefined && !hasMore(page.older, (all[0] ?? first) < first))
        world.fail("a page of a thread ends before its beginning", where);
      if (last !== undefined && !hasMore(page.newer, (all.at(-1) ?? last) > last))
        world.fail("a page of a thread ends before its end", where);
    },
    checkPins(seat, page) {
      const { epoch, counter, pins } = page;
      rights.checkSnapshot(seat, { epoch, counter, messages: pins.map(({ message }) => message) });
      const { firstId } = world.sight.atVersion(seat.userId, seat.room, epoch, counter);
      checkPins(world, seat.room, page, firstId);
    },
    mayBeOut: (seat, window, code) => OUT.includes(code) && wasOut(seat, window) && isWhy(seat, window, code),
    order() {
      const seat = someSeat();
      const node = random.pick(world.nodes);
      const isBanned = order.standing(database.epoch, seat.room, seat.userId).banned;
      world.note?.(`${show(seat)} is ${isBanned ? "let in again" : "banned"} at ${node.name}`);
      (isBanned ? node.unban(seat) : node.ban(seat)).catch(ignore);
    },
    depart() {
      const seat = someSeat();
      const node = random.pick(world.nodes);
      const begun = schedule.now;
      world.note?.(`${show(seat)} leaves for good at ${node.name}`);
      node.leave(seat).then(() => world.judge.departed(node.name, seat, begun), ignore);
    },
    enforce() {
      for (const { node, seat, present } of world.judge.present()) {
        if (!world.sight.reads(seat.userId, seat.room))
          world.fail("someone is still in a room that is closed to them", `${show(seat)} at ${node}`);
        else if (!people.isMember(seat) && !database.isRestored)
          world.fail("someone in a room is no member of it", `${show(seat)} at ${node}`);
        // What nodes tell each other about presence may be lost.
        if (plan.nodes > 1) continue;
        const ghost = present.find(
          (name) => !world.sight.reads(Number(name.slice("user".length)), seat.room),
        );
        if (ghost !== undefined)
          world.fail(
            "someone counts as present in a room that is closed to them",
            `${ghost} in ${seat.room}`,
          );
      }
    },
  };
  return rights;
}
