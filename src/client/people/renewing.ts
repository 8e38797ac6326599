import type { Clock } from "../ports.ts";
import type { PagesInside } from "./pages.ts";

/** How long changes are gathered before a list is loaded again, in milliseconds: a list costs the person's budget. */
const APART_MS = 1_000;
/** How long after a refusal it is loaded again if the server does not say, in milliseconds. */
const RETRY_MS = 5_000;

/**
 * Returns a function that soon loads a list again, and once more if the server refuses it for now. If the server cannot be
 * reached, the next connection loads the list.
 */
export function renewing(pages: Pick<PagesInside<unknown>, "renew" | "snapshot">, clock: Clock): () => void {
  let timer: (() => void) | undefined;

  const renewAfter = (ms: number) => {
    timer ??= clock.after(ms, () => {
      timer = undefined;
      void renew();
    });
  };
  const renew = async () => {
    const before = pages.snapshot().error;
    await pages.renew();
    const { error } = pages.snapshot();
    if (error && error !== before && error.retryable && error.code !== "unreachable")
      renewAfter(error.retryAfterMs ?? RETRY_MS);
  };

  return () => renewAfter(APART_MS);
}
