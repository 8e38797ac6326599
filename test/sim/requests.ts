import { Refusal } from "../../src/errors.ts";
import { ERRORS } from "../../src/protocol/codes.ts";
import type { SimNode } from "./machine.ts";
import type { World } from "./world.ts";

/** When a request whose answer is missing is sent again, in milliseconds. */
const PATIENCE_MS = 10_000;
const RETRY_MS = 300;

/** Requests over HTTP, each attempt at any node. */
export function createRequests({
  schedule,
  random,
  nodes,
  fail,
}: Pick<World, "schedule" | "random" | "nodes" | "fail">) {
  const pending = new Set<symbol>();

  /** Sends a request until it has its answer. */
  const request = <T>(
    what: string,
    send: (node: SimNode) => Promise<T>,
    done: (answer: T) => void,
    refused: (refusal: Refusal) => void,
  ) => {
    const self = Symbol(what);
    pending.add(self);
    const attempt = () => {
      if (!pending.has(self)) return;
      let over = false;
      const again = (ms: number) =>
        schedule.after(ms, () => {
          if (!over || ms !== PATIENCE_MS) attempt();
          over = true;
        });
      const giveUp = again(PATIENCE_MS);
      send(random.pick(nodes)).then(
        (answer) => {
          over = true;
          giveUp();
          if (pending.delete(self)) done(answer);
        },
        (error: unknown) => {
          over = true;
          giveUp();
          if (!(error instanceof Refusal)) return fail("a request failed", `${what}: ${String(error)}`);
          if (ERRORS[error.code].retryable) return void again(error.more.retryAfterMs ?? RETRY_MS);
          if (pending.delete(self)) refused(error);
        },
      );
    };
    attempt();
  };

  return {
    request,
    unsettled: () => [...pending].map(({ description }) => `${description} was not answered`),
  };
}
