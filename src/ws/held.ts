import type { Clock } from "../clock.ts";
import type { Refusal } from "../errors.ts";
import type { Metrics } from "../metrics.ts";

/**
 * After a socket was closed with a code, the runtime holds its connection for this long if the client does not end it, in
 * milliseconds. It gives no means to end it earlier.
 */
const HELD_MS = 75_000;
/**
 * While this many refused sockets may be held, in total or of one network, further handshakes are refused by status, which
 * holds nothing.
 */
const HELD_MAX = { total: 1_000, network: 100 } as const;

/** Counts refused sockets that were opened only to be closed with a code, for as long as the runtime may hold them. */
export interface HeldSockets {
  /** Counts one more. @throws {Refusal} the refusal itself if too many are held. */
  hold(refusal: Refusal, network: string): void;
}

export function createHeldSockets(clock: Clock, metrics: Pick<Metrics, "refusedSockets">): HeldSockets {
  let held = 0;
  const heldBy = new Map<string, number>();

  const count = (network: string, change: 1 | -1) => {
    held += change;
    metrics.refusedSockets.set(held);
    const ofNetwork = (heldBy.get(network) ?? 0) + change;
    if (ofNetwork === 0) heldBy.delete(network);
    else heldBy.set(network, ofNetwork);
  };

  return {
    hold(refusal, network) {
      if (held >= HELD_MAX.total || (heldBy.get(network) ?? 0) >= HELD_MAX.network) throw refusal;
      count(network, 1);
      clock.after(HELD_MS, () => count(network, -1));
    },
  };
}
