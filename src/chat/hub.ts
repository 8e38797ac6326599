import type { Clock } from "../clock.ts";
import type { CloseReason } from "../protocol/codes.ts";
import type { Connection } from "./connection.ts";
import { HARD_LIMIT, SCAN_AFTER } from "./limits.ts";
import type { Fanout } from "./ports.ts";
import type { Timeline } from "./timeline.ts";

/** All sockets of this process, and all that is published to them. */
export interface Hub {
  readonly connections: Iterable<Connection>;
  /** Counts a connection in. False: its person has as many as they may. */
  add(connection: Connection): boolean;
  remove(connection: Connection): void;
  /** Publishes a frame; `settled` is to be called at the end of what belongs together. */
  publish(topic: string, frame: string): void;
  /** Takes who is live on a timeline off it. The answer lets them read on from the database. */
  fallBehind(timeline: Timeline): () => void;
  /** Looks for sockets that fall behind, if enough was published that there may be one. */
  settled(): void;
  /** Sends a chat.v1 frame to a person's sockets in a room, but for one. */
  tell(userId: number, room: string, frame: string, except?: Connection): void;
  /** Closes every socket; `retryAfterMs`, given, is told before and differs for each. */
  closeAll(reason: CloseReason, retryAfterMs?: () => number): void;
}

/**
 * `getBufferedAmount` is per socket and a publish tells only that someone has bytes waiting. So all sockets are looked
 * at, but no more often than it takes to get one from under the soft limit to over the hard one: nobody does so unseen.
 */
export function createHub(fanout: Fanout, clock: Clock, socketsPerUser: number): Hub {
  // Lists are replaced, not changed: who goes through one may close connections. Most people have one, for which a Set
  // of their own, or a place in one of all, would weigh more.
  const perUser = new Map<number, readonly Connection[]>();
  const connections: Iterable<Connection> = {
    *[Symbol.iterator]() {
      for (const theirs of perUser.values()) yield* theirs;
    },
  };
  let sinceScan = 0;
  let pressed = false;
  // Bytes of this turn and the one before: buffers do not show them for certain yet.
  let thisTurn = 0;
  let lastTurn = 0;

  const endTurn = () => {
    lastTurn = thisTurn;
    thisTurn = 0;
    if (lastTurn > 0) clock.soon(endTurn);
  };

  return {
    connections,
    add(connection) {
      const { userId } = connection.identity;
      const theirs = perUser.get(userId) ?? [];
      if (theirs.length >= socketsPerUser) return false;
      perUser.set(userId, [...theirs, connection]);
      return true;
    },
    remove(connection) {
      const { userId } = connection.identity;
      const others = (perUser.get(userId) ?? []).filter((one) => one !== connection);
      if (others.length > 0) perUser.set(userId, others);
      else perUser.delete(userId);
    },
    publish(topic, frame) {
      const bytes = Buffer.byteLength(frame);
      if (thisTurn === 0 && lastTurn === 0) clock.soon(endTurn);
      thisTurn += bytes;
      sinceScan += bytes;
      if (fanout.publish(topic, frame)) pressed = true;
    },
    settled() {
      if (!pressed || sinceScan < SCAN_AFTER) return;
      pressed = false;
      sinceScan = Math.min(thisTurn + lastTurn, HARD_LIMIT);
      for (const connection of connections) connection.lagIfSlow();
    },
    tell(userId, room, frame, except) {
      for (const connection of perUser.get(userId) ?? [])
        if (connection !== except) connection.tell(room, frame);
    },
    fallBehind(timeline) {
      const readers = [...connections].map((connection) => connection.fallBehind(timeline));
      return () => {
        for (const readOn of readers) readOn?.();
      };
    },
    closeAll(reason, retryAfterMs) {
      for (const connection of connections) connection.close(reason, retryAfterMs?.());
    },
  };
}
