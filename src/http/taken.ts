import type { MiddlewareHandler } from "hono";
import { ownerOf } from "../budgets.ts";
import { createPlaces } from "../limits/places.ts";
import type { Env } from "./request.ts";

/** Large responses that one person may not have taken yet, and how many more may wait. */
const PLACES = { each: 2, waiting: 100 } as const;
/** Larger responses are handed to the socket in parts of this size, in bytes. */
const PART = 64 * 1024;
/** After this long another response may begin, even if this one has not been taken, in milliseconds. */
const LIMIT_MS = 30_000;

/**
 * For large responses: each person has two at a time, until the client has taken them or is gone. So a person who asks for
 * many and reads none holds the memory of two.
 */
export function untilTaken(): MiddlewareHandler<Env> {
  const places = createPlaces(PLACES);
  return async (c, next) => {
    const leave = await places.enter(ownerOf(c.get("identity")));
    try {
      await next();
      const whole = c.req.raw.method === "HEAD" || !c.res.body ? undefined : await c.res.bytes();
      if (whole) {
        const before = c.res;
        // Or Hono would copy all headers once more.
        c.res = undefined;
        c.res = new Response(whole.length > PART ? inParts(whole, leave) : whole, before);
      }
      if (!whole || whole.length <= PART) leave();
    } catch (error) {
      leave();
      throw error;
    }
  };
}

/** A response in parts. Calls `taken` once, when the last part was asked for or the client is gone. */
export function inParts(whole: Uint8Array<ArrayBuffer>, taken: () => void): ReadableStream {
  let at = 0;
  const timer = setTimeout(taken, LIMIT_MS);
  const end = () => {
    clearTimeout(timer);
    taken();
  };
  return new ReadableStream(
    {
      pull(controller) {
        controller.enqueue(whole.subarray(at, at + PART));
        at += PART;
        if (at < whole.length) return;
        controller.close();
        end();
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  );
}
