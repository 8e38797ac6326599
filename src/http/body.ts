import type { Clock } from "../clock.ts";
import { Refusal } from "../errors.ts";
import type { Metrics } from "../metrics.ts";

/** The largest body of a request, in bytes. */
const MAX = 64 * 1024;
/** How long a body may take to arrive, in milliseconds. */
const LIMIT_MS = 60_000;
/** The most bytes of bodies that have not ended, in total. Beyond, those that began first are refused. */
const UNFINISHED_MAX = 16 * 1024 * 1024;

/**
 * Reads the bodies of requests. Those that stop before their end share a bounded memory: the oldest makes room, and bodies
 * that arrive at once are never the oldest for long. What goes wrong is the client's fault: it is counted, and not logged. */
export interface Bodies {
  /** Rejects a body that is announced as too large, before anything is read. @throws {Refusal} `too_large`. */
  check(request: Request): void;
  /** @throws {Refusal} `too_large`; `malformed` if the client breaks off; `request_timeout` if it is too slow. */
  read(request: Request): Promise<Uint8Array>;
}

interface Unfinished {
  /** What has arrived, in bytes. */
  size: number;
  refuse(): void;
}

export function createBodies(clock: Clock, metrics: Metrics): Bodies {
  const refuse = (refusal: Refusal): Refusal => {
    metrics.badBodies.labels(refusal.code).inc();
    return refusal;
  };
  const tooLarge = () => refuse(new Refusal("too_large"));
  // What is left of the body is not read, so the connection cannot be used again.
  const tooSlow = () => refuse(new Refusal("request_timeout", { headers: { connection: "close" } }));

  /** In the order in which they began. */
  const unfinished = new Set<Unfinished>();
  let held = 0;
  const hold = (body: Unfinished, bytes: number) => {
    body.size += bytes;
    held += bytes;
    for (const eldest of unfinished) {
      if (held <= UNFINISHED_MAX) break;
      release(eldest);
      eldest.refuse();
    }
  };
  const release = (body: Unfinished) => {
    if (unfinished.delete(body)) held -= body.size;
  };

  return {
    check(request) {
      if (Number(request.headers.get("content-length")) > MAX) throw tooLarge();
    },

    async read({ body }) {
      const parts: Uint8Array[] = [];
      if (!body) return Buffer.concat(parts);
      const reader = body.getReader();
      const late = Promise.withResolvers<never>();
      late.promise.catch(() => {}); // the body may have arrived
      const own = { size: 0, refuse: () => late.reject(tooSlow()) };
      unfinished.add(own);
      const cancel = clock.after(LIMIT_MS, own.refuse);
      try {
        for (;;) {
          const { done, value } = await Promise.race([late.promise, reader.read()]);
          if (done) return Buffer.concat(parts);
          hold(own, value.length);
          if (own.size > MAX) throw tooLarge();
          parts.push(value);
        }
      } catch (error) {
        reader.cancel().catch(() => {});
        if (error instanceof Refusal) throw error;
        throw refuse(new Refusal("malformed", { detail: "The request body ended before it was complete." }));
      } finally {
        cancel();
        release(own);
      }
    },
  };
}
