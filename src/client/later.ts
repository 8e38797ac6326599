import { abortable } from "./abort.ts";
import { errorOf } from "./errors.ts";
import type { PageQuery } from "./page.ts";
import type { Pages, PagesInside, PagesState } from "./people/pages.ts";
import type { RollInside } from "./people/roll.ts";
import type { Store } from "./subject.ts";

/** Returns a function that creates something with its first call, and again if that failed. */
export function once<T>(create: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () =>
    (made ??= create().catch((error: unknown) => {
      made = undefined;
      throw error;
    }));
}

/** Returns methods of something that is created when one of them is first called. */
export function methodsOf<T, Name extends keyof T>(
  get: () => Promise<T>,
  ...names: readonly Name[]
): Pick<T, Name> {
  const late =
    (name: Name) =>
    async (...values: unknown[]) => {
      const method = (await get())[name] as (...values: unknown[]) => unknown;
      return method(...values);
    };
  return Object.fromEntries(names.map((name) => [name, late(name)])) as Pick<T, Name>;
}

/** A store whose code is loaded when someone first subscribes to it or calls `use`. */
export interface Later<State, Real extends Store<State>> extends Store<State> {
  /** The store, once its code is there. Before, it has nothing that could be out of date. */
  readonly made: Real | undefined;
  /** Creates the store. @throws {ChatError} `not_loaded` */
  use(): Promise<Real>;
  /** There is a new connection: tries again if someone is subscribed. */
  connected(): void;
  /** Forgets that the code could not be loaded. */
  drop(): void;
}

/** `get` is called once, or again if it failed. `early`: the state that subscribers see before that, to which an `error` is added if it fails. */
export function createLater<State extends object, Real extends Store<State>>(
  get: () => Promise<Real>,
  initial: State,
  early = initial,
): Later<State, Real> {
  let made: Real | undefined;
  let failed: State | undefined;
  const subscribers = new Set<{ readonly listener: () => void; off(): void }>();

  const use = once(async () => {
    made = await get();
    for (const one of subscribers) one.off = made.subscribe(one.listener);
    subscribers.clear();
    return made;
  });

  const connected = () => {
    if (subscribers.size > 0)
      use().catch((error: unknown) => {
        failed = { ...early, error: errorOf(error) };
        for (const { listener } of subscribers) listener();
      });
  };

  return {
    get made() {
      return made;
    },
    use,
    snapshot: () => made?.snapshot() ?? failed ?? (subscribers.size > 0 ? early : initial),
    initial: () => initial,
    subscribe(listener) {
      if (made) return made.subscribe(listener);
      const one = { listener, off: () => void subscribers.delete(one) };
      subscribers.add(one);
      connected();
      return () => one.off();
    },
    connected,
    drop: () => void (failed = undefined),
  };
}

/** A list in the part for people, with what the core tells it. */
type Inside<T, Query extends PageQuery> = PagesInside<T, Query> &
  Partial<Pick<RollInside, "missed">> & {
    notice?(frame: never): void;
  };
export type LaterList<T, Query extends PageQuery, Real> = Pages<T, Query> &
  RollInside &
  Pick<Later<PagesState<T>, Real & Store<PagesState<T>>>, "use">;

const EMPTY: PagesState<never> = { items: [], more: true, error: undefined };

export function createLaterList<T, Query extends PageQuery, Real extends Inside<T, Query>>(
  get: () => Promise<Real & Inside<T, Query>>,
): LaterList<T, Query, Real> {
  const later = createLater<PagesState<T>, Real>(get, EMPTY);
  const { use, snapshot, initial, subscribe } = later;
  return {
    use,
    snapshot,
    initial,
    subscribe,
    load: async (options) => (await abortable(use(), options?.signal)).load(options),
    read: async (query) => (await abortable(use(), query?.signal)).read(query),
    connected: () => (later.made ?? later).connected(),
    notice: (frame) => later.made?.notice?.(frame as never),
    missed: () => later.made?.missed?.(),
    drop: () => (later.made ?? later).drop(),
  };
}
