import type { Change } from "../../src/chat/change.ts";
import type { ShownMessage } from "../../src/chat/codecs/encode.ts";
import type { RoomAction } from "../../src/grants.ts";
import type { Identity } from "../../src/identity.ts";
import type { Command } from "../../src/protocol/frames.ts";
import { changeOf } from "./changes.ts";
import { createFeeds, type Position } from "./feeds.ts";
import type { Served, SocketJudge } from "./judge.ts";
import { covers } from "./product.ts";
import type { Window } from "./sight.ts";
import { EPOCH_MS } from "./schedule.ts";
import { summary, type Wire } from "./wire.ts";
import { createWatchJudge } from "./watch-judge.ts";
import type { World } from "./world.ts";

/** A command as a frame has it. */
type Sent<T = Command> = T extends { type: "join" } ? Omit<T, "since"> & { since?: string } : T;

interface Asked {
  readonly command: Sent;
  readonly change: Change | undefined;
  readonly window: Window;
  /** It had been committed before. */
  readonly isRepeat: boolean;
  /** The token when it arrived. */
  readonly identity: Identity;
  /** The newer token that it brings. */
  readonly newer: Identity | undefined;
}

/** Checks chat.v1 on one socket: one reply per command, acks and pages that the database has, and what its feeds show. */
export function createV1Judge(world: World, served: Served): SocketJudge {
  const { sight, rights } = world;
  const { userId, username, user } = served.identity;
  const outstanding = new Map<number, Asked>();
  /** The token that the server has accepted last. */
  let { identity } = served;

  /** Whether a token of the socket does not allow something: the present one, or one that is being accepted. */
  const isLacking = (room: string, action: RoomAction, also: readonly Identity[] = []) =>
    [identity, ...also, ...[...outstanding.values()].flatMap(({ newer }) => newer ?? [])].some(
      (one) => !covers(one, room, action),
    );

  const feeds = createFeeds(world, served, (room) => isLacking(room, "read"));
  const isJoined = (room: string) => [...feeds.rooms()].some(([joined]) => joined === room);
  const watch = createWatchJudge(world, { userId, identity: () => identity, isIn: isJoined });

  const roomOf = (command: Sent) => ("room" in command && command.room) || served.room || "";

  const changeIn = (command: Sent): Change | undefined => {
    const change = changeOf(command as Command, roomOf(command));
    if (change?.kind === "member" || change?.kind === "room" || change?.kind === "pin")
      return world.ruling(userId, change);
    return change && { ...change, senderId: userId, username, user, fence: 0 };
  };

  const newerOf = (token: string): Identity | undefined => {
    try {
      return world.tokens.verify(token);
    } catch {
      return undefined;
    }
  };

  const answered = (frame: { ref?: number | undefined; type: string }) => {
    if (frame.ref === undefined) return undefined;
    const found = outstanding.get(frame.ref);
    if (!found) world.fail("a command was answered twice, or was never sent", JSON.stringify(frame));
    outstanding.delete(frame.ref);
    return found;
  };

  const refusedByClaim = ({ command, change, identity: before }: Asked, text: string) => {
    const room = roomOf(command);
    if (!isLacking(room, "post", [before]) || (!change && !isLacking(room, "read", [before])))
      world.fail("a token was refused that covers the room", text);
  };

  const accepted = (
    { command, change, window, newer }: Asked,
    frame: Extract<Wire["v1"], { type: "ok" }>,
  ) => {
    const room = roomOf(command);
    const duplicate = "duplicate" in frame;
    if (change) world.acked(change, { ...frame, duplicate });
    if (change?.kind === "post" && !duplicate) rights.checkMember({ userId, room }, window, "posted");
    if (newer) {
      identity = newer;
      const left = [...feeds.rooms()].find(([joined]) => !covers(newer, joined, "read"));
      if (left) world.fail("a socket stays in a room that its newer token does not cover", left[0]);
    }
    if (command.type === "leave") {
      feeds.end(room);
      watch.left(room);
    }
    if (command.type === "watch") watch.set(command.on);
    if (command.type === "join") feeds.granted(room, positionOf(command.since), window);
    if (command.type === "history") {
      const { messages = [] } = frame as { messages?: ShownMessage[] };
      if (!command.notices && messages.some((message) => "notice" in message))
        world.fail("a page has a notice that nobody asked for", room);
      rights.checkPage({ userId, room }, messages, window);
    }
  };

  return {
    rooms: feeds.rooms,
    presentIn: feeds.presentIn,
    received(text) {
      const command = JSON.parse(text) as Sent;
      if (command.ref === undefined) return;
      const change = changeIn(command);
      const window = sight.windowOf(roomOf(command));
      const isRepeat = change !== undefined && world.database.answered(change) !== undefined;
      if (command.type === "watch") watch.asked(command.on);
      const newer = command.type === "auth" ? newerOf(command.token) : undefined;
      outstanding.set(command.ref, { command, change, window, isRepeat, identity, newer });
    },
    sent(wire) {
      const frame = wire.v1;
      if (frame.type === "ok") {
        const found = answered(frame);
        if (found) accepted(found, frame);
      } else if (frame.type === "error") {
        const found = answered(frame);
        if (!found || frame.retryable) return;
        const { command, change, window } = found;
        if (frame.claim) return refusedByClaim(found, wire.text);
        if (command.type === "auth") {
          if (found.newer && found.newer.expiresAt > EPOCH_MS + world.schedule.now)
            world.fail("a good token was refused", wire.text);
        } else if (change) world.refused(change, frame.code, found);
        else if (!sight.mayBar(userId, roomOf(command), frame.code, window))
          world.fail("a good command was refused for good", wire.text);
      } else if (frame.type === "thread" && frame.replies === undefined) {
        if (!covers(identity, frame.room, "read"))
          world.fail("someone hears of a room that their token does not cover", summary(wire.text));
      } else if (frame.type === "activity" || frame.type === "rooms") watch.event(frame);
      else if ("room" in frame) {
        if ((frame.type === "message" || frame.type === "notice") && !covers(identity, frame.room, "read"))
          world.fail("someone is shown a room that their token does not cover", summary(wire.text));
        feeds.event(wire, frame);
        if (frame.type === "left") watch.left(frame.room);
      }
    },
    owed: () => [
      ...[...outstanding.values()].map(({ command }) => `${command.type} ${command.ref} was not answered`),
      ...watch.owed(),
    ],
  };
}

function positionOf(since: string | undefined): Position | undefined {
  const [epoch, version] = since?.split(".") ?? [];
  return epoch === undefined ? undefined : { epoch, version: Number(version) };
}
