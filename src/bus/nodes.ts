import type { Clock } from "../clock.ts";
import { BEAT_MS } from "./link.ts";

/** A node that is silent for this long is gone, in milliseconds. */
const SILENT_MS = 4_000;
/** Grace period for presence: while the bus is down, assume that other nodes are still alive. */
const AWAY_MS = 12_000;
if (!(BEAT_MS < SILENT_MS && SILENT_MS < AWAY_MS))
  throw new Error("nodes must send heartbeats before they count as gone, and get more time during an outage");
/** Grace period after a goodbye, in which the node's people can reconnect elsewhere. */
const BYE_MS = 3_000;
/** How many gone nodes are remembered. A restarted process has a new name. */
const REMEMBERED = 1_000;

interface NodesOptions {
  readonly clock: Clock;
  gone(node: string): void;
  returned(node: string): void;
}

/** Tracks which other nodes are alive. */
export interface Nodes {
  readonly size: number;
  heard(node: string): void;
  bye(node: string): void;
  /** Reports nodes that are silent for too long. `up`: whether the bus is up. Call it twice a second. */
  look(up: boolean): void;
  /** Restarts the timeout of all nodes. Call it after an outage, in which all were silent. */
  forgive(): void;
}

export function createNodes({ clock, gone, returned }: NodesOptions): Nodes {
  const heardAt = new Map<string, number>();
  const lost = new Set<string>();

  return {
    get size() {
      return heardAt.size;
    },
    heard(node) {
      heardAt.set(node, clock.monotonic());
      if (lost.delete(node)) returned(node);
    },
    bye: (node) => void heardAt.set(node, clock.monotonic() - SILENT_MS + BYE_MS),
    look(up) {
      const heardSince = clock.monotonic() - (up ? SILENT_MS : AWAY_MS);
      for (const [node, at] of heardAt) {
        if (at > heardSince) continue;
        heardAt.delete(node);
        lost.add(node);
        if (lost.size > REMEMBERED) for (const eldest of lost.keys().take(1)) lost.delete(eldest);
        gone(node);
      }
    },
    forgive() {
      for (const node of heardAt.keys()) heardAt.set(node, clock.monotonic());
    },
  };
}
