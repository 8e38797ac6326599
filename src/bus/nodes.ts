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
/** How far the time of a frame may be from ours, in milliseconds. */
const APART_MS = 5 * 60_000;
/** Stamps in a millisecond. */
const PER_MS = 1_000;

interface NodesOptions {
  readonly clock: Clock;
  gone(node: string): void;
  returned(node: string): void;
}

/** Tracks which other nodes are alive. */
export interface Nodes {
  readonly size: number;
  /**
   * Takes note of a frame of a node. Returns why it has to be refused: it is not newer than the node's last one
   * (`repeated`), or was not sent just now (`late`). So nobody can repeat what a node said once, not even after it is gone.
   */
  heard(node: string, stamp: number): "repeated" | "late" | undefined;
  bye(node: string): void;
  /** Reports nodes that are silent for too long. `up`: whether the bus is up. Call it twice a second. */
  look(up: boolean): void;
  /** Restarts the timeout of all nodes. Call it after an outage, in which all were silent. */
  forgive(): void;
}

/** Returns a function that returns this node's next stamp: its time in microseconds, always greater than the last. */
export function createStamps(clock: Clock): () => number {
  let last = 0;
  return () => (last = Math.max(last + 1, Math.floor(clock.now() * PER_MS)));
}

export function createNodes({ clock, gone, returned }: NodesOptions): Nodes {
  const alive = new Map<string, { at: number; stamp: number }>();
  /** The last stamps of nodes that are gone. */
  const lost = new Map<string, number>();

  return {
    get size() {
      return alive.size;
    },
    heard(node, stamp) {
      if (Math.abs(clock.now() - stamp / PER_MS) > APART_MS) return "late";
      const known = alive.get(node);
      if (stamp <= (known?.stamp ?? lost.get(node) ?? 0)) return "repeated";
      alive.set(node, { at: clock.monotonic(), stamp });
      if (lost.delete(node)) returned(node);
      return undefined;
    },
    bye(node) {
      const known = alive.get(node);
      if (known) known.at = clock.monotonic() - SILENT_MS + BYE_MS;
    },
    look(up) {
      const heardSince = clock.monotonic() - (up ? SILENT_MS : AWAY_MS);
      for (const [node, { at, stamp }] of alive) {
        if (at > heardSince) continue;
        alive.delete(node);
        lost.set(node, stamp);
        if (lost.size > REMEMBERED) for (const eldest of lost.keys().take(1)) lost.delete(eldest);
        gone(node);
      }
    },
    forgive() {
      for (const known of alive.values()) known.at = clock.monotonic();
    },
  };
}
