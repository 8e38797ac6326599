import type { HistoryResult } from "../../src/chat/chat.ts";
import { shown, shownAny, type ShownMessage } from "../../src/chat/codecs/encode.ts";
import type { Seat } from "../../src/chat/ports.ts";
import { OUT } from "./feeds.ts";
import { sameMessage } from "./copy.ts";
import { mayRead } from "./order.ts";
import type { Window } from "./sight.ts";
import type { World } from "./world.ts";

/** The operator's bans, people who leave rooms for good, and what the judge knows about who is in a room. */
export interface Rights {
  /** Anyone who joined or posted is a member, unless they are out since they asked. */
  checkMember(seat: Seat, window: Window, how: string): void;
  /** A page of history shows messages as the database has had them, and none that its reader may not see. */
  checkPage(seat: Seat, messages: readonly ShownMessage[], window: Window): void;
  /** A page over HTTP, which says from which snapshot it is. */
  checkSnapshot(seat: Seat, page: Pick<HistoryResult, "epoch" | "counter" | "messages">): void;
  /** Whether someone's socket may be taken out of a room that it asked for at the beginning of the window. */
  mayBeOut(seat: Seat, window: Window, code: number): boolean;
  /** Bans someone at a random node, or lifts a ban. */
  order(): void;
  /** Somebody leaves a room for good, at a random node. */
  depart(): void;
  /** Finds the people who are in a room that is closed to them. Nobody is, some seconds after faults cease. */
  enforce(): void;
}

export function createRights(world: World): Rights {
  const { random, plan, schedule, database } = world;
  const { people, order } = database;

  const someSeat = (): Seat => ({ userId: 1 + random.below(plan.users), room: random.pick(plan.rooms) });
  const show = ({ userId, room }: Seat) => `user${userId} in ${room}`;
  const ignore = () => {};

  /** Someone was out at some time since, or a restore may have brought such a time back. */
  const wasOut = ({ userId, room }: Seat, window: Window) =>
    database.isRestored ||
    (people.leftAt({ userId, room }) ?? -1) >= window.at ||
    world.sight.ever(
      userId,
      room,
      window,
      ({ facts, mine, step }) =>
        !mayRead(facts, mine) || (step > window.step && (mine.state === "removed" || mine.state === "left")),
    );

  return {
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
        if (!Bun.deepEquals(database.written(epoch, room, version), message) || version > counter)
          world.fail("a page has a message that its snapshot does not have", `${room}.${id}`);
        if (id < firstId)
          world.fail("a page shows what its reader may not see", `${show(seat)}: ${id} before ${firstId}`);
      }
    },
    mayBeOut: (seat, window, code) => (OUT.includes(code) ? wasOut(seat, window) : false),
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
}
