import { type Clock, tryEvery } from "../clock.ts";
import { faultOf } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { type Outbound, OutboundError, type OutboundResponse } from "../outbound/outbound.ts";
import { readRetryAfter } from "../outbound/retryafter.ts";
import { type ActiveHook, type Attempt, ATTEMPTS_MAX, type HookStore } from "../store/hooks.ts";
import { signed } from "./signing.ts";

/** How much of a failed response is kept, in characters. */
const RESPONSE_MAX = 200;
/** How often attempts are written down, and how many wait for it at most. */
const KEEP_MS = 1_000;
const WAITING_MAX = 10 * ATTEMPTS_MAX;
/** The longest that a receiver can make a room wait with `Retry-After`, in milliseconds. */
const ASKED_MAX_MS = 3600_000;
/** Too many requests, and not available: the responses whose `Retry-After` counts. */
const ASKING = [429, 503];

/** What goes to a hook. */
export interface Parcel {
  readonly webhook: string;
  readonly batch: Attempt["batch"];
  readonly changes: number;
  readonly body: string;
}

/** An attempt, and how long the receiver asks to wait for the next one, in milliseconds. */
export interface Sent {
  readonly attempt: Attempt;
  readonly waitMs: number;
}

/** Requests to hooks, which are remembered. */
export interface Sending {
  /** Makes one attempt, and never rejects. */
  attempt(hook: ActiveHook, parcel: Parcel): Promise<Sent>;
  /** Resolves when all attempts up to now are written down. */
  kept(): Promise<void>;
  stop(): Promise<void>;
}

interface SendingParts {
  readonly store: Pick<HookStore, "keep">;
  readonly outbound: Outbound;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "hookAttempts">;
}

/** Whether a receiver has accepted what it got. */
export const isAccepted = ({ status }: Pick<Attempt, "status">): boolean =>
  status !== null && status >= 200 && status < 300;

/** How long a receiver asks to wait, in milliseconds. */
const askedOf = ({ status, headers }: OutboundResponse, clock: Clock): number =>
  ASKING.includes(status)
    ? (readRetryAfter(headers["retry-after"], { now: clock.now(), mostMs: ASKED_MAX_MS }) ?? 0)
    : 0;

export function createSending({ store, outbound, clock, log, metrics }: SendingParts): Sending {
  let waiting: Attempt[] = [];
  const keep = async () => {
    if (waiting.length === 0) return;
    const attempts = waiting;
    waiting = [];
    await store.keep(attempts);
  };
  const stop = tryEvery(clock, KEEP_MS, keep, (error) =>
    log.warn(
      { event: "hook_attempts_lost", fault: faultOf(error) },
      "attempts to reach webhooks could not be written down; what was sent is not affected",
    ),
  );

  return {
    async attempt({ id, url, secrets }, { webhook, batch, changes, body }) {
      const begun = clock.monotonic();
      const now = clock.now();
      const { status, error, waitMs } = await outbound
        .send({
          url,
          body,
          headers: {
            "content-type": "application/json",
            ...signed(secrets, { id: webhook, seconds: Math.floor(now / 1000), body }),
          },
        })
        .then(
          (response) => ({
            status: response.status,
            error: isAccepted(response) ? null : response.body.toString("utf8", 0, 4 * RESPONSE_MAX),
            waitMs: askedOf(response, clock),
          }),
          (fault: unknown) => {
            if (!(fault instanceof OutboundError)) throw fault;
            return { status: null, error: fault.message, waitMs: 0 };
          },
        );
      const attempt: Attempt = {
        hook: id,
        at: new Date(now).toISOString(),
        webhook,
        batch,
        changes,
        status,
        // Postgres stores no NUL.
        error: error && error.replaceAll("\0", "").slice(0, RESPONSE_MAX).toWellFormed(),
        ms: Math.round(clock.monotonic() - begun),
      };
      metrics.hookAttempts.labels(isAccepted(attempt) ? "accepted" : "failed").inc();
      waiting.push(attempt);
      if (waiting.length > WAITING_MAX) waiting.shift();
      return { attempt, waitMs };
    },
    kept: keep,
    async stop() {
      stop();
      await keep().catch(() => {});
    },
  };
}
