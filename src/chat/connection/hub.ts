import type { CloseReason } from "../../protocol/codes.ts";
import type { Connection } from "./connection.ts";
import { SOFT_LIMIT, UNSEEN_MAX } from "../limits.ts";
import type { Fanout } from "../ports.ts";
import type { Timeline } from "../room/timeline.ts";

/** All sockets of this process, and all that is published to them. */
export interface Hub {
  readonly connections: Iterable<Connection>;
  /** Counts a connection in. False: its person has as many as they may. */
  add(connection: Connection): boolean;
  remove(connection: Connection): void;
  /**
   * Asks whether so many bytes may be published, at once or not at all: first, if it has to be, looks for sockets that
   * fall behind and lets them lag. False: whether all others could take them cannot be seen just now.
   */
  admit(bytes: number): boolean;
  publish(topic: string, frame: string): void;
  /** Takes who is live on a timeline off it. The answer lets them read on from the database. */
  fallBehind(timeline: Timeline): () => void;
  /** Sends a chat.v1 frame to a person's sockets in a room, but for one. */
  tell(userId: number, room: string, frame: string, except?: Connection): void;
  /** Closes every socket; `retryAfterMs`, given, is told before and differs for each. */
  closeAll(reason: CloseReason, retryAfterMs?: () => number): void;
}

/**
 * What waits is known per socket, and a publish tells only that someone has bytes waiting. So all sockets are looked at,
 * but no more often than it takes to get one from under the soft limit to near the hard one: nobody does so unseen.
 */
export function createHub(fanout: Fanout, socketsPerUser: number): Hub {
  // Lists are replaced, not changed: who goes through one may close connections. Most people have one, for which a Set
  // of their own, or a place in one of all, would weigh more.
  const perUser = new Map<number, readonly Connection[]>();
  const connections: Iterable<Connection> = {
    *[Symbol.iterator]() {
      for (const theirs of perUser.values()) yield* theirs;
    },
  };
  /** Bytes that were published since all sockets were looked at; and whether someone had bytes waiting then. */
  let unseen = 0;
  let pressed = false;

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
    admit(bytes) {
      if (bytes > UNSEEN_MAX) return false;
      if (pressed && unseen + bytes > UNSEEN_MAX) {
        const hidden = fanout.hidden();
        // Where nothing waits as far as one sees, as much may as is hidden; all others are under the soft limit.
        const beyond = Math.max(0, hidden - SOFT_LIMIT);
        if (beyond + bytes > UNSEEN_MAX) return false;
        for (const connection of connections) connection.lagIfSlow(hidden);
        unseen = beyond;
        pressed = false;
      }
      unseen += bytes;
      return true;
    },
    publish(topic, frame) {
      if (fanout.publish(topic, frame)) pressed = true;
    },
    tell(userId, room, frame, except) {
      for (const connection of perUser.get(userId) ?? [])
        if (connection !== except) connection.tell(room, frame);
    },
    fallBehind(timeline) {
      const readers: (() => void)[] = [];
      for (const connection of connections) {
        const readOn = connection.fallBehind(timeline);
        if (readOn) readers.push(readOn);
      }
      return () => {
        for (const readOn of readers) readOn();
      };
    },
    closeAll(reason, retryAfterMs) {
      for (const connection of connections) connection.close(reason, retryAfterMs?.());
    },
  };
}
