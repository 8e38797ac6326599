import type { Clock } from "./ports.ts";
import type { Store } from "./subject.ts";

/** How long something stays open after its last subscriber is gone, so that coming back costs nothing, in milliseconds. */
const GRACE_MS = 10_000;

/** Counts who uses something. */
export interface Holds {
  readonly held: boolean;
  /** Returns a function that ends the hold. */
  take(): () => void;
  /** Starts a subscription, which counts as a user until it ends. */
  during(subscribe: () => () => void): () => void;
  /** Returns the same store, whose subscribers count as users. */
  over<T>(store: Store<T>): Store<T>;
  /** Stops waiting for someone to come back, without calling `close`. */
  forget(): void;
}

interface HoldsOptions {
  readonly clock: Pick<Clock, "after">;
  /** Whether the chat is closed. Then nothing waits, because a timer keeps a process alive. */
  closed(): boolean;
  open(): void;
  close(): void;
}

/** Calls `open` with the first hold, and `close` some time after the last one ended. */
export function createHolds({ clock, closed, open, close }: HoldsOptions): Holds {
  let count = 0;
  let cancel = () => {};

  const take = () => {
    cancel();
    let taken = true;
    if (count++ === 0) open();
    return () => {
      if (!taken) return;
      taken = false;
      if (--count === 0 && !closed()) cancel = clock.after(GRACE_MS, close);
    };
  };

  const during = (subscribe: () => () => void) => {
    const release = take(); // first, so that no listener is called before its subscription is returned
    const off = subscribe();
    return () => {
      off();
      release();
    };
  };

  return {
    get held() {
      return count > 0;
    },
    take,
    during,
    over: (store) => ({ ...store, subscribe: (listener) => during(() => store.subscribe(listener)) }),
    forget: () => cancel(),
  };
}
