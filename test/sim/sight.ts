import type { Change } from "../../src/chat/change.ts";
import type { ErrorCode } from "../../src/protocol/codes.ts";
import type { SimDatabase } from "./database.ts";
import { closedTo, refusalsOf } from "./laws.ts";
import { type Facts, firstIdOf, mayRead, type Standing } from "./order.ts";

/** The time since someone asked for something, also as the room's counter and the last step of the order at that moment. */
export interface Window {
  readonly epoch: string;
  readonly since: number;
  readonly step: number;
  /** In virtual milliseconds. */
  readonly at: number;
}

/** A state of a message that left a node. */
export interface Glimpse {
  readonly id: number;
  readonly version: number;
}

/** A room and one person in it at one point of the order. */
export interface Moment {
  readonly facts: Facts;
  readonly mine: Standing;
  /** The first message that the person may see. */
  readonly firstId: number;
  readonly step: number;
}

/**
 * What each person may see and do, by the order alone. They see what was written before they lost the right to read, from
 * the first message that they may see on; a notice that takes the right away is the last thing that they see.
 */
export function createSight(database: SimDatabase, now: () => number) {
  const { order } = database;

  const epochsOf = ({ epoch }: Pick<Window, "epoch">) =>
    epoch === database.epoch ? [epoch] : [epoch, database.epoch];

  const momentAt = (userId: number, room: string, epoch: string, step: number): Moment => {
    const facts = order.facts(epoch, room, step);
    const mine = order.standing(epoch, room, userId, step);
    return { facts, mine, firstId: firstIdOf(facts, mine), step };
  };

  /** Every point of the order since, as far as it differs for this person. After a restore there are two orders. */
  const moments = (userId: number, room: string, { epoch, step }: Window): Moment[] =>
    epochsOf({ epoch }).flatMap((each) =>
      order
        .since(each, room, userId, each === epoch ? step : 0)
        .map((at) => momentAt(userId, room, each, at)),
    );

  /** The spans in which someone could read, of those that were not over when they asked. */
  const spansIn = (userId: number, room: string, { epoch, since }: Window, inEpoch: string) =>
    order.spans(inEpoch, room, userId)?.filter(({ ends }) => inEpoch !== epoch || ends > since);

  return {
    windowOf: (room: string): Window => ({
      epoch: database.epoch,
      since: database.current(room).log.length,
      step: order.step,
      at: now(),
    }),
    /** Whether someone who asked may be shown this state of a message. */
    maySee(
      userId: number,
      room: string,
      { id, version }: Glimpse,
      window: Window,
      epoch = window.epoch,
    ): boolean {
      const spans = spansIn(userId, room, window, epoch);
      return !spans || spans.some(({ from, ends }) => id >= from && version <= ends);
    },
    /** Whether there was a point of the order since for which this holds. */
    ever: (userId: number, room: string, window: Window, holds: (moment: Moment) => boolean): boolean =>
      moments(userId, room, window).some(holds),
    /** Whether someone may be refused entry to a room with this code. */
    mayBar: (userId: number, room: string, code: ErrorCode, window: Window): boolean =>
      moments(userId, room, window).some(({ facts, mine }) => closedTo(room, facts, mine).includes(code)),
    /** Whether a change may be refused with this code for want of rights. */
    mayRefuse: (change: Change, code: ErrorCode, window: Window): boolean =>
      epochsOf(window).some((epoch) =>
        order
          .since(epoch, change.room, undefined, epoch === window.epoch ? window.step : 0)
          .concat(database.pacts.since(epoch, epoch === window.epoch ? window.step : 0))
          .some((step) =>
            // A mute may have ended since, and a link expired.
            [window.at, now()].some((at) =>
              refusalsOf(change, database.caseOf(change, epoch, step, at)).includes(code),
            ),
          ),
      ),
    /** A room and one person in it at a version. */
    atVersion: (userId: number, room: string, epoch: string, version: number): Moment =>
      momentAt(userId, room, epoch, order.stepAt(epoch, room, version)),
    /** Whether someone may read a room now. */
    reads: (userId: number, room: string): boolean =>
      mayRead(order.facts(database.epoch, room), order.standing(database.epoch, room, userId)),
    /** The first message that someone may see now. */
    fromOf: (userId: number, room: string): number =>
      order.spans(database.epoch, room, userId)?.at(-1)?.from ?? 0,
  };
}

export type Sight = ReturnType<typeof createSight>;
