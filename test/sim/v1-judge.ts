import { shown } from "../../src/chat/codecs/encode.ts";
import { REPLAY_MAX } from "../../src/chat/limits.ts";
import { CLOSE } from "../../src/protocol/codes.ts";
import type { Command } from "../../src/protocol/frames.ts";
import { changeOf } from "./changes.ts";
import { sameMessage } from "./copy.ts";
import type { Served, SocketJudge } from "./judge.ts";
import type { World } from "./world.ts";
import { summary, type Wire } from "./wire.ts";

type Position = { readonly epoch: string; readonly version: number };

/** One socket in one room, as its frames show it. */
interface Feed {
  readonly epoch: string;
  /** When its first frame was sent, and when its client asked for it. */
  readonly since: number;
  readonly askedAt: number;
  /** The last version it was given. */
  version: number;
  /** The version released when it became live, and the messages delivered since. */
  base: number;
  readonly seen: Set<number>;
  live: boolean;
}

/** A command as a frame has it. */
type Sent<T = Command> = T extends { type: "join" } ? Omit<T, "since"> & { since?: string } : T;

interface Asked {
  readonly command: Sent;
  readonly at: number;
  /** The ban from the room that the node had acknowledged by then. */
  readonly ban: object | undefined;
}

/** Checks chat.v1 on one socket: one reply per command, acks and messages that the database has, versions that rise. */
export function createV1Judge(world: World, served: Served): SocketJudge {
  const { database } = world;
  const outstanding = new Map<number, Asked>();
  const opened = world.schedule.now;
  /** When the join was asked for whose `joined` comes next. */
  const joining = new Map<string, number>();
  const feeds = new Map<string, Feed>();
  /** The position from which the next `joined` of a room resumes. */
  const resuming = new Map<string, Position | undefined>();
  if (served.room !== undefined) resuming.set(served.room, served.since);

  const roomOf = (command: Sent) => ("room" in command && command.room) || served.room || "";

  const asked = (command: Sent | undefined) => {
    const change = command && changeOf(command as Command, roomOf(command));
    return change && { ...change, senderId: served.identity.userId };
  };

  const joined = (frame: { room: string; epoch: string; version: number; resumed: boolean }) => {
    const { room, epoch, version, resumed } = frame;
    const first = resuming.has(room);
    const since = first ? resuming.get(room) : feeds.get(room);
    resuming.delete(room);
    const missed = since && since.epoch === epoch ? version - since.version : undefined;
    if (resumed && (missed === undefined || missed < 0))
      world.fail("resumed from nowhere", JSON.stringify(frame));
    if (!resumed && missed !== undefined && missed <= REPLAY_MAX)
      world.fail("not resumed without a reason", `${JSON.stringify(frame)} from ${since?.version}`);
    const base = resumed && since ? since.version : version;
    feeds.set(room, {
      epoch,
      since: world.schedule.now,
      askedAt: first ? (joining.get(room) ?? opened) : (feeds.get(room)?.askedAt ?? opened),
      version: base,
      base,
      seen: new Set(),
      live: false,
    });
    if (first) admitted(room);
  };

  const seatIn = (room: string) => ({ userId: served.identity.userId, room });

  /** Anyone who joined or posted is a member, unless they have left for good since they asked. */
  const enrolled = (room: string, askedAt: number, how: string) => {
    const seat = seatIn(room);
    const leftSince = (database.people.leftAt(seat) ?? -1) >= askedAt;
    // A restore may take a membership back.
    if (database.isRestored || leftSince || database.people.isMember(seat)) return;
    world.fail(`someone ${how} and is no member`, `${seat.userId} in ${room}`);
  };

  const admitted = (room: string) => {
    if (world.rights.banOf(served.node, seatIn(room)))
      world.fail("a banned person joined", `${served.identity.userId} in ${room} at ${served.node}`);
    enrolled(room, joining.get(room) ?? opened, "joined");
    joining.delete(room);
  };

  const message = (feed: Feed, wire: Wire, frame: Extract<Wire["v1"], { type: "message" }>) => {
    const { room, version, prev, replay } = frame;
    const written = database.written(feed.epoch, room, version);
    if (!written || !sameMessage(shown(written), frame))
      world.fail("a message was delivered that the database does not have", summary(wire.text));
    if (version <= feed.version)
      world.fail("a version did not rise", `${room}: ${version} after ${feed.version}`);
    if (replay !== true && !feed.live)
      world.fail("a live frame before the feed was live", summary(wire.text));
    if (replay === true && feed.live) world.fail("a replayed frame in a live feed", summary(wire.text));
    if (replay !== true && prev !== feed.version)
      world.fail("a live frame does not continue the feed", `${room}: ${prev} is not ${feed.version}`);
    const isNew = frame.id > feed.base && !feed.seen.has(frame.id);
    if (replay !== true && frame.change !== "deleted" && (frame.change === "created") !== isNew)
      world.fail("a message is not as new as it is said to be", summary(wire.text));
    feed.seen.add(frame.id);
    feed.version = version;
  };

  /** Only a departure since the client asked to join takes it out of the room, or a ban that this node learned of late. */
  const expelled = (room: string, code: number) => {
    const seat = seatIn(room);
    const cause = code === CLOSE.left ? database.people.leftAt(seat) : database.people.bannedAt(seat);
    const askedAt = feeds.get(room)?.askedAt ?? 0;
    feeds.delete(room);
    const isLate = code === CLOSE.removed && database.people.isBanned(seat);
    // A restore may bring back an earlier departure.
    if (!isLate && !database.isRestored && (cause === undefined || cause < askedAt))
      world.fail("someone was taken out of a room without a reason", `${seat.userId} in ${room}, ${code}`);
  };

  const answered = (frame: { ref?: number | undefined; type: string }) => {
    if (frame.ref === undefined) return undefined;
    const found = outstanding.get(frame.ref);
    if (!found) world.fail("a command was answered twice, or was never sent", JSON.stringify(frame));
    outstanding.delete(frame.ref);
    return found;
  };

  const event = (wire: Wire, frame: Extract<Wire["v1"], { room: string; version: number }>) => {
    if (frame.type === "joined") return joined(frame);
    const feed = feeds.get(frame.room);
    if (!feed) return world.fail("a frame of a room that is not joined", summary(wire.text));
    if (frame.type === "message") return message(feed, wire, frame);
    if (frame.type === "synced") {
      if (frame.version < feed.version) world.fail("synced before what was delivered", summary(wire.text));
      feed.version = frame.version;
      feed.base = frame.version;
      feed.live = true;
    }
    if (frame.type === "lagging") {
      if (!feed.live || frame.version !== feed.version)
        world.fail("lagging from where the feed was not", `${summary(wire.text)} at ${feed.version}`);
      feed.live = false;
    }
  };

  return {
    rooms: () => feeds.entries().map(([room, { since }]) => [room, since] as const),
    received(text) {
      const command = JSON.parse(text) as Sent;
      const ban = world.rights.banOf(served.node, seatIn(roomOf(command)));
      if (command.ref !== undefined) outstanding.set(command.ref, { command, at: world.schedule.now, ban });
    },
    sent(wire) {
      const frame = wire.v1;
      if (frame.type === "ok") {
        const found = answered(frame);
        if (!found) return;
        const { command, at, ban } = found;
        const room = roomOf(command);
        const change = asked(command);
        const duplicate = "duplicate" in frame;
        if (change) world.acked(change, { ...frame, duplicate });
        if (change && ban && ban === world.rights.banOf(served.node, seatIn(room)) && !duplicate)
          world.fail("a banned person's change was committed", wire.text);
        if (change?.kind === "post" && !duplicate) enrolled(room, at, "posted");
        if (command.type === "leave") feeds.delete(room);
        if (command.type === "join") {
          resuming.set(room, positionOf(command.since));
          joining.set(room, at);
        }
      } else if (frame.type === "error") {
        const found = answered(frame);
        if (!found || frame.retryable) return;
        const { command } = found;
        const change = asked(command);
        if (change) world.refused(change, frame.code);
        else if (frame.code !== "forbidden" || !world.rights.mayBeRefused(seatIn(roomOf(command))))
          world.fail("a good command was refused for good", wire.text);
      } else if (frame.type === "left") expelled(frame.room, frame.code);
      else if ("room" in frame && "version" in frame) event(wire, frame);
    },
    owed: () =>
      [...outstanding.values()].map(({ command }) => `${command.type} ${command.ref} was not answered`),
  };
}

function positionOf(since: string | undefined): Position | undefined {
  const [epoch, version] = since?.split(".") ?? [];
  return epoch === undefined ? undefined : { epoch, version: Number(version) };
}
