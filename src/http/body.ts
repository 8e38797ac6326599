import type { Clock } from "../clock.ts";
import { Refusal } from "../errors.ts";
import type { Metrics } from "../metrics.ts";

/** The largest body of a request, in bytes. */
const MAX = 64 * 1024;
/** How long a body may take to arrive, in milliseconds. */
const LIMIT_MS = 60_000;

/** Reads the bodies of requests. What goes wrong is the client's fault: it is counted, and not logged. */
export interface Bodies {
  /** Rejects a body that is announced as too large, before anything is read. @throws {Refusal} `too_large`. */
  check(request: Request): void;
  /** @throws {Refusal} `too_large`; `malformed` if the client breaks off; `request_timeout` if it is too slow. */
  read(request: Request): Promise<Uint8Array>;
}

export function createBodies(clock: Clock, metrics: Metrics): Bodies {
  const refuse = (refusal: Refusal): Refusal => {
    metrics.badBodies.labels(refusal.code).inc();
    return refusal;
  };
  const tooLarge = () => refuse(new Refusal("too_large"));

  return {
    check(request) {
      if (Number(request.headers.get("content-length")) > MAX) throw tooLarge();
    },

    async read({ body }) {
      const parts: Uint8Array[] = [];
      if (!body) return Buffer.concat(parts);
      let size = 0;
      const reader = body.getReader();
      const late = Promise.withResolvers<never>();
      late.promise.catch(() => {}); // the body may have arrived
      // What is left of the body is not read, so the connection cannot be used again.
      const cancel = clock.after(LIMIT_MS, () =>
        late.reject(refuse(new Refusal("request_timeout", { headers: { connection: "close" } }))),
      );
      try {
        for (;;) {
          const { done, value } = await Promise.race([reader.read(), late.promise]);
          if (done) return Buffer.concat(parts);
          size += value.length;
          if (size > MAX) throw tooLarge();
          parts.push(value);
        }
      } catch (error) {
        reader.cancel().catch(() => {});
        if (error instanceof Refusal) throw error;
        throw refuse(new Refusal("malformed", { detail: "The request body ended before it was complete." }));
      } finally {
        cancel();
      }
    },
  };
}
