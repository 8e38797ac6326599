import type { Clock } from "../clock.ts";
import type { Identity } from "../identity.ts";
import type { CloseReason } from "../protocol/codes.ts";
import type { Connection } from "./connection.ts";
import { HARD_LIMIT, SCAN_AFTER } from "./limits.ts";
import type { Fanout } from "./ports.ts";

/** All sockets of this process, and all that is published to them. */
export interface Hub {
  readonly size: number;
  /** Counts a connection in. False: its person has as many as they may. */
  add(connection: Connection): boolean;
  remove(connection: Connection): void;
  /** Publishes a frame; `settled` is to be called when what belongs to it has been published too. */
  publish(topic: string, frame: string): void;
  /** Looks for sockets that fall behind, if enough was published that there may be one. */
  settled(): void;
  /** Who is connected, once for each socket. */
  identities(): Identity[];
  /** Closes the sockets of those for whom a reason is answered. */
  closeWhere(reasonFor: (person: Identity) => CloseReason | undefined): void;
  /** Closes every socket; `retryAfterMs`, given, is told before and differs for each. */
  closeAll(reason: CloseReason, retryAfterMs?: () => number): void;
}

/**
 * `getBufferedAmount` is per socket and a publish tells only that someone has bytes waiting. So all sockets are looked
 * at, but no more often than it takes to get one from under the soft limit to over the hard one: nobody does so unseen.
 */
export function createHub(fanout: Fanout, clock: Clock, socketsPerUser: number): Hub {
  const connections = new Set<Connection>();
  const perUser = new Map<number, number>();
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
    get size() {
      return connections.size;
    },
    add(connection) {
      const { userId } = connection.identity;
      const open = perUser.get(userId) ?? 0;
      if (open >= socketsPerUser) return false;
      perUser.set(userId, open + 1);
      connections.add(connection);
      return true;
    },
    remove(connection) {
      if (!connections.delete(connection)) return;
      const { userId } = connection.identity;
      const open = (perUser.get(userId) ?? 1) - 1;
      if (open === 0) perUser.delete(userId);
      else perUser.set(userId, open);
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
    identities: () => [...connections].map(({ identity }) => identity),
    closeWhere(reasonFor) {
      for (const connection of connections) {
        const reason = reasonFor(connection.identity);
        if (reason) connection.close(reason);
      }
    },
    closeAll(reason, retryAfterMs) {
      for (const connection of connections) connection.close(reason, retryAfterMs?.());
    },
  };
}
