import { shown } from "../../src/chat/codecs/encode.ts";
import { REPLAY_MAX } from "../../src/chat/limits.ts";
import type { Command } from "../../src/protocol/frames.ts";
import { changeOf } from "./changes.ts";
import { sameMessage } from "./copy.ts";
import type { Served, SocketJudge } from "./judge.ts";
import type { World } from "./world.ts";
import { summary, type Wire } from "./wire.ts";

type Position = { readonly epoch: string; readonly version: number };

/** One socket in one room, as its frames tell it. */
interface Feed {
  readonly epoch: string;
  /** The last version it was given. */
  version: number;
  /** What had been released when it became live, and which messages it was shown since. */
  base: number;
  readonly seen: Set<number>;
  live: boolean;
}

/** A command as it stands in a frame. */
type Sent<T = Command> = T extends { type: "join" } ? Omit<T, "since"> & { since?: string } : T;

/** chat.v1 on one socket: each command answered once, acks and messages that the database has, versions that rise. */
export function createV1Judge(world: World, served: Served): SocketJudge {
  const { database } = world;
  const outstanding = new Map<number, Sent>();
  const feeds = new Map<string, Feed>();
  /** Where the next `joined` of a room resumes from. */
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
    feeds.set(room, { epoch, version: base, base, seen: new Set(), live: false });
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

  const answered = (frame: { ref?: number | undefined; type: string }) => {
    if (frame.ref === undefined) return undefined;
    const command = outstanding.get(frame.ref);
    if (!command) world.fail("a command was answered twice, or was never sent", JSON.stringify(frame));
    outstanding.delete(frame.ref);
    return command;
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
    received(text) {
      const command = JSON.parse(text) as Sent;
      if (command.ref !== undefined) outstanding.set(command.ref, command);
    },
    sent(wire) {
      const frame = wire.v1;
      if (frame.type === "ok") {
        const command = answered(frame);
        const change = asked(command);
        if (change) world.acked(change, { ...frame, duplicate: "duplicate" in frame });
        if (command?.type === "leave") feeds.delete(roomOf(command));
        if (command?.type === "join") resuming.set(roomOf(command), positionOf(command.since));
      } else if (frame.type === "error") {
        const command = answered(frame);
        if (!command || frame.retryable) return;
        const change = asked(command);
        if (change) world.refused(change, frame.code);
        else world.fail("a good command was refused for good", wire.text);
      } else if ("room" in frame && "version" in frame) event(wire, frame);
    },
    owed: () => [...outstanding.values()].map((command) => `${command.type} ${command.ref} was not answered`),
  };
}

function positionOf(since: string | undefined): Position | undefined {
  const [epoch, version] = since?.split(".") ?? [];
  return epoch === undefined ? undefined : { epoch, version: Number(version) };
}
