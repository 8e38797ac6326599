import { shown, shownNotice, shownReplies } from "../../src/chat/codecs/encode.ts";
import { REPLAY_MAX } from "../../src/chat/limits.ts";
import { CLOSE } from "../../src/protocol/codes.ts";
import { sameMessage } from "./copy.ts";
import type { Served } from "./judge.ts";
import { mayRead } from "./order.ts";
import type { Moment, Window } from "./sight.ts";
import { repliesAt } from "./threads.ts";
import { summary, type Wire } from "./wire.ts";
import type { World } from "./world.ts";

export type Position = { readonly epoch: string; readonly version: number };
type Frame<T extends Wire["v1"]["type"]> = Extract<Wire["v1"], { type: T }>;

/** One socket in one room, as its frames show it. */
interface Feed {
  readonly epoch: string;
  /** When its first frame was sent, and since when its client has been asking for it. */
  readonly since: number;
  readonly window: Window;
  /** The last version it was given. */
  version: number;
  /** The version released when it became live, and the messages delivered since. */
  base: number;
  readonly seen: Set<number>;
  live: boolean;
  /** The notice that took its person out of the room. Nothing but the end may follow. */
  farewell: number | undefined;
  /** Who is in the room, as far as it was told. */
  readonly present: Set<string>;
}

/** A join that was granted, whose `joined` comes next. */
interface Granted {
  readonly since: Position | undefined;
  readonly window: Window;
}

/** The rooms of one chat.v1 socket. */
export interface Feeds {
  /** A join was granted. */
  granted(room: string, since: Position | undefined, window: Window): void;
  /** An event of a room. */
  event(wire: Wire, frame: Extract<Wire["v1"], { room: string }>): void;
  end(room: string): void;
  rooms(): Iterable<readonly [room: string, since: number]>;
  /** Who is in a room, as its last frames say. */
  presentIn(room: string): Iterable<string>;
}

export function createFeeds(world: World, served: Served, isUncovered: (room: string) => boolean): Feeds {
  const { database, sight } = world;
  const { userId } = served.identity;
  const feeds = new Map<string, Feed>();
  const granted = new Map<string, Granted>();
  if (served.room !== undefined)
    granted.set(served.room, { since: served.since, window: sight.windowOf(served.room) });

  /** Anyone who joined is a member, unless they have left for good since they asked. */
  const admitted = (room: string, window: Window) => {
    if (!sight.ever(userId, room, window, ({ facts, mine }) => mayRead(facts, mine)))
      world.fail("someone joined a room that is closed to them", `${userId} in ${room} at ${served.node}`);
    world.rights.checkMember({ userId, room }, window, "joined");
  };

  const joined = (wire: Wire, frame: Frame<"joined">) => {
    const { room, epoch, version, resumed } = frame;
    const asked = granted.get(room);
    const before = feeds.get(room);
    granted.delete(room);
    const since = asked ? asked.since : before;
    const missed = since && since.epoch === epoch ? version - since.version : undefined;
    if (resumed && (missed === undefined || missed < 0))
      world.fail("resumed from nowhere", summary(wire.text));
    // Nobody is resumed from an earlier life of a room.
    const life = sight.atVersion(userId, room, epoch, version).facts.beginsAfter;
    const mayResume = since !== undefined && since.version >= life;
    // A node that lags behind may know already that the room begins anew.
    const next = database.order.facts(epoch, room).beginsAfter;
    const mustResume = since !== undefined && since.version >= Math.max(life, next);
    if (resumed && !mayResume) world.fail("resumed from an earlier life of a room", summary(wire.text));
    if (!resumed && mustResume && missed !== undefined && missed <= REPLAY_MAX)
      world.fail("not resumed without a reason", `${summary(wire.text)} from ${since?.version}`);
    const window = asked?.window ?? before?.window ?? sight.windowOf(room);
    const base = resumed && since ? since.version : version;
    feeds.set(room, {
      epoch,
      since: world.schedule.now,
      window,
      version: base,
      base,
      seen: new Set(),
      live: false,
      farewell: undefined,
      present: new Set(frame.people ?? before?.present),
    });
    if (asked) admitted(room, window);
    checkSeat(wire, frame, window);
  };

  /** What `joined` says about the room and its person held at its version, or later since they asked. */
  const checkSeat = (wire: Wire, frame: Frame<"joined">, window: Window) => {
    const { room, epoch, version, kind, role, archived, history, membersAdd, mutedUntil, from } = frame;
    const muted = mutedUntil === undefined ? null : mutedUntil === null ? Infinity : Date.parse(mutedUntil);
    const holds = ({ facts, mine, firstId }: Moment) =>
      facts.kind === kind &&
      facts.archived === (archived ?? false) &&
      facts.history === (history ?? "all") &&
      facts.membersAdd === (membersAdd ?? false) &&
      mine.role === role &&
      mine.mutedUntil === muted &&
      (from ?? 1) === firstId;
    // A node that has not seen that the database was restored reads what was restored, and says what it knew before.
    if (epoch !== database.epoch) return;
    const then = sight.atVersion(userId, room, epoch, version);
    if (holds(then) || sight.ever(userId, room, window, (moment) => moment.step > then.step && holds(moment)))
      return;
    world.fail("a room was joined as it never was", summary(wire.text));
  };

  /** Nothing up to a version was left out that the feed's person may see, unless it has changed again since. */
  const checkGap = ({ epoch, version: after, window }: Feed, room: string, upTo: number) => {
    if (epoch !== database.epoch) return;
    const { log, messages } = database.current(room);
    // They may have been removed and added again since they asked, and see less than before.
    const from = sight.fromOf(userId, room);
    for (let version = after + 1; version <= upTo; version++) {
      const state = log[version - 1];
      if (!state || messages.get(state.id) !== state || state.id < from) continue;
      if (sight.maySee(userId, room, state, window))
        return world.fail("a feed left something out", `${userId} in ${room}: ${version}, after ${after}`);
    }
  };

  /** What every versioned frame has to fulfil. */
  const advance = (feed: Feed, wire: Wire, frame: Frame<"message"> | Frame<"notice">) => {
    const { room, version, prev, replay } = frame;
    if (version <= feed.version)
      world.fail("a version did not rise", `${room}: ${version} after ${feed.version}`);
    if (replay !== true && !feed.live)
      world.fail("a live frame before the feed was live", summary(wire.text));
    // A feed that waits until its person's rights are read again is behind, and does not say so.
    if (replay === true && feed.live && !database.order.isRuled(feed.epoch, room))
      world.fail("a replayed frame in a live feed", summary(wire.text));
    if (replay === true) feed.live = false;
    if (replay !== true && prev !== feed.version)
      world.fail("a live frame does not continue the feed", `${room}: ${prev} is not ${feed.version}`);
    if (!sight.maySee(userId, room, frame, feed.window, feed.epoch))
      world.fail(
        "someone was shown what they may not see",
        `${userId} at ${served.node}: ${summary(wire.text)}`,
      );
    checkGap(feed, room, version - 1);
    feed.version = version;
  };

  const message = (feed: Feed, wire: Wire, frame: Frame<"message">) => {
    const { room, version, replay } = frame;
    const written = database.written(feed.epoch, room, version);
    if (!written || written.notice || !sameMessage(shown(written), frame))
      world.fail("a message was delivered that the database does not have", summary(wire.text));
    advance(feed, wire, frame);
    const isNew = frame.id > feed.base && !feed.seen.has(frame.id);
    if (replay !== true && frame.change !== "deleted" && (frame.change === "created") !== isNew)
      world.fail("a message is not as new as it is said to be", summary(wire.text));
    feed.seen.add(frame.id);
  };

  const notice = (feed: Feed, wire: Wire, frame: Frame<"notice">) => {
    const { type: _, room, prev: __, replay: ___, ...noted } = frame;
    const written = database.written(feed.epoch, room, frame.version);
    if (!written || !Bun.deepEquals(shownNotice(written), noted))
      world.fail("a notice was delivered that the database does not have", summary(wire.text));
    advance(feed, wire, frame);
    // On a node that lags behind, someone who has come back since may have a pass from then, whatever happened after that.
    const isLast = database.order.spans(feed.epoch, room, userId)?.at(-1)?.ends === frame.version;
    if (isLast && !sight.reads(userId, room)) feed.farewell = frame.version;
  };

  /** What is said about a thread was so at that version, and is said to those who see its first message. */
  const thread = (
    { epoch, window }: Feed,
    wire: Wire,
    { room, id, version = 0, replies }: Frame<"thread">,
  ) => {
    if (replies === undefined) return;
    const epochs = [epoch, database.epoch];
    const isTrue = (at: string) => {
      const known = repliesAt(database.log(at, room), id, version);
      return Bun.deepEquals(known ? shownReplies(known) : null, replies);
    };
    if (!epochs.some(isTrue)) world.fail("a thread was summed up wrongly", summary(wire.text));
    if (!epochs.some((at) => sight.maySee(userId, room, { id, version }, window, at)))
      world.fail(
        "someone was shown what they may not see",
        `${userId} at ${served.node}: ${summary(wire.text)}`,
      );
  };

  /** Only an end of their rights since they asked to join takes someone out of a room, or a token that does not cover it. */
  const expelled = (room: string, code: number) => {
    const feed = feeds.get(room);
    feeds.delete(room);
    if (code === CLOSE.forbidden && isUncovered(room)) return;
    if (feed && !world.rights.mayBeOut({ userId, room }, feed.window, code))
      world.fail("someone was taken out of a room without a reason", `${userId} in ${room}, ${code}`);
  };

  return {
    granted: (room, since, window) => void granted.set(room, { since, window }),
    event(wire, frame) {
      const { room } = frame;
      if (frame.type === "joined") return joined(wire, frame);
      if (frame.type === "left") return expelled(room, frame.code);
      const feed = feeds.get(room);
      if (!feed) return world.fail("a frame of a room that is not joined", summary(wire.text));
      if (feed.farewell !== undefined && !(frame.type === "synced" && frame.version === feed.farewell))
        world.fail("a frame after the end of someone's rights", summary(wire.text));
      switch (frame.type) {
        case "message":
          return message(feed, wire, frame);
        case "notice":
          return notice(feed, wire, frame);
        case "synced":
          if (frame.version < feed.version)
            world.fail("synced before what was delivered", summary(wire.text));
          if (feed.version === frame.version && !feed.live && feed.farewell !== undefined) return;
          checkGap(feed, room, frame.version);
          feed.version = frame.version;
          // In a live feed, it follows a notice or what was withheld.
          if (!feed.live) feed.base = frame.version;
          feed.live = true;
          return;
        case "lagging":
          if (!feed.live || frame.version !== feed.version)
            world.fail("lagging from where the feed was not", `${summary(wire.text)} at ${feed.version}`);
          feed.live = false;
          return;
        case "thread":
          return thread(feed, wire, frame);
        case "presence":
          if (!frame.joined && !frame.left) return;
          if (frame.joined?.length === frame.online) feed.present.clear();
          for (const name of frame.joined ?? []) feed.present.add(name);
          for (const name of frame.left ?? []) feed.present.delete(name);
          return;
      }
    },
    end: (room) => void feeds.delete(room),
    rooms: () => feeds.entries().map(([room, { since }]) => [room, since] as const),
    presentIn: (room) => feeds.get(room)?.present ?? [],
  };
}

/** The codes with which a socket leaves a room for good. */
export const OUT: readonly number[] = [CLOSE.removed, CLOSE.left, CLOSE.forbidden, CLOSE.deleted];
