import type { Clock } from "../clock.ts";

/** A node that says nothing for so long is gone, in milliseconds; it says that it lives every half second. */
const SILENT_MS = 4_000;
/** While the bus is away nobody can be heard: so long the others are believed to be there. */
const AWAY_MS = 12_000;
/** The people of a node that goes in order have so long to come back elsewhere. */
const BYE_MS = 3_000;
/** Names of nodes that are gone; a process that starts again has another name. */
const REMEMBERED = 1_000;

interface NodesOptions {
  readonly clock: Clock;
  gone(node: string): void;
  returned(node: string): void;
}

/** The other nodes that are heard of. */
export interface Nodes {
  readonly size: number;
  heard(node: string): void;
  bye(node: string): void;
  /** Looks who has been silent for too long; to be called twice a second. */
  look(up: boolean): void;
  /** The bus is back: nobody could be heard, so everybody is given time. */
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
