import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";

/** After this many failures in a row the endpoint counts as down. */
const OPEN_AFTER = 5;
/** They have to be about so many senders, so that nobody turns it off for everyone with messages that it cannot handle. */
const SENDERS_MIN = 2;
/** How often a message is sent to an endpoint that is down, in milliseconds. */
const PROBE_MS = 2_000;
/** The least time between two lines about failures in the log, in milliseconds. */
const LOG_MS = 60_000;

/** Whether an endpoint is worth waiting for. A circuit breaker: open means that it is not. */
export interface Circuit {
  /** Returns false if it is down. True every two seconds nevertheless, to find out whether it is back. */
  admits(): boolean;
  succeeded(): void;
  failed(sender: number | string, reason: string): void;
}

export function createCircuit(clock: Clock, log: Log): Circuit {
  let failures = 0;
  const senders = new Set<number | string>();
  let probeAt = 0;
  /** Whether the log says that it fails, and since when. */
  let isTold = false;
  let toldAt = -Infinity;

  const isOpen = () => failures >= OPEN_AFTER && senders.size >= SENDERS_MIN;

  return {
    admits() {
      if (!isOpen()) return true;
      const now = clock.monotonic();
      if (now < probeAt) return false;
      probeAt = now + PROBE_MS;
      return true;
    },
    succeeded() {
      if (failures === 0) return;
      failures = 0;
      senders.clear();
      if (isTold) log.info({ event: "message_hook_back" }, "MESSAGE_HOOK_URL answers again");
      isTold = false;
    },
    failed(sender, reason) {
      failures++;
      if (senders.size < SENDERS_MIN) senders.add(sender);
      const now = clock.monotonic();
      if (isOpen()) probeAt = now + PROBE_MS;
      if (isTold || now < toldAt + LOG_MS) return;
      isTold = true;
      toldAt = now;
      log.warn(
        { event: "message_hook_failing", reason },
        "MESSAGE_HOOK_URL did not answer: MESSAGE_HOOK_FAILURE decides about messages",
      );
    },
  };
}
