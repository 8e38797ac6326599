import { faultOf } from "./errors.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";

/** Reports an internal error: `doing` says what failed, and `request` in which request. */
export type Faulted = (error: unknown, doing: string, request?: { method: string; path: string }) => void;

/**
 * Counts and logs internal errors: the only place that does, so that each is in the metric that operators alert on.
 * Nothing that a client can cause at will may come here.
 */
export const createFaults =
  (log: Log, metrics: Metrics): Faulted =>
  (error, doing, request) => {
    metrics.faults.inc();
    log.error(
      { event: "fault", doing, fault: faultOf(error), method: request?.method, path: request?.path },
      "an internal error",
    );
  };
