import { type ChatError, errorOf } from "../errors.ts";
import { abortable } from "../abort.ts";
import type { LoadOptions, Page, PageQuery } from "../page.ts";
import { createSubject, type Store } from "../subject.ts";

export interface PagesState<T> {
  readonly items: readonly T[];
  /** Whether there are more, which `load()` loads. True before the first page. */
  readonly more: boolean;
  /** Why the latest page was not loaded. */
  readonly error: ChatError | undefined;
}

/** A list that is loaded page by page. Its first subscriber makes it load the first page, or load it anew. */
export interface Pages<T, Query extends PageQuery = PageQuery> extends Store<PagesState<T>> {
  /** Loads the first page, and then the next one with each call. Concurrent calls share one page. @throws {ChatError} */
  load(options?: LoadOptions): Promise<void>;
  /** Reads a page without changing the list. @throws {ChatError} @throws the reason of `signal`. */
  read(query?: Query): Promise<Page<T>>;
}

/** The side of a list that the client uses. */
export interface PagesInside<T, Query extends PageQuery = PageQuery> extends Pages<T, Query> {
  readonly loading: boolean;
  readonly loaded: boolean;
  /** Loads the list again if it was loaded or someone is subscribed. Until that succeeds, it is what it was. */
  renew(): Promise<void>;
  /** There is a new connection: loads the list for its subscribers, unless it is kept up to date. */
  connected(): void;
  /** Builds the next snapshot anew. */
  changed(): void;
  drop(): void;
}

interface Content<T, Query> {
  read(query?: Query): Promise<Page<T>>;
  /** Returns the items. */
  items(): readonly T[];
  /** Takes in a page. `first`: in place of everything before. */
  take(items: readonly T[], first: boolean): void;
  /** Whether the list is kept up to date, so that there is no need to load it anew for a new subscriber. */
  readonly live?: boolean;
}

export function createPages<T, Query extends PageQuery = PageQuery>({
  read,
  items,
  take,
  live,
}: Content<T, Query>): PagesInside<T, Query> {
  let next: string | undefined;
  let loaded = false;
  let loading: Promise<void> | undefined;
  let error: ChatError | undefined;
  /** Rises when responses to earlier requests no longer matter. */
  let life = 0;
  let subscribers = 0;
  const view = createSubject<PagesState<T>>(() => ({
    items: items(),
    more: !loaded || next !== undefined,
    error,
  }));
  view.initial(); // while nothing has happened

  const page = async (limit: number | undefined) => {
    const mine = life;
    try {
      if (loaded && next === undefined) return;
      const found = await read({ after: next, limit } as Query);
      if (mine !== life) return;
      take(found.items, !loaded);
      ({ next } = found);
      loaded = true;
      error = undefined;
    } catch (thrown) {
      if (mine === life) error = errorOf(thrown);
      throw thrown;
    } finally {
      if (mine === life) {
        loading = undefined;
        view.changed();
      }
    }
  };

  const load = ({ limit, signal }: LoadOptions = {}) => abortable((loading ??= page(limit)), signal);

  const reset = () => {
    life++;
    loaded = false;
    next = loading = undefined;
  };

  const renew = async () => {
    if (!loaded && subscribers === 0) return;
    reset();
    await load().catch(() => {});
  };

  return {
    ...view,
    subscribe(listener) {
      if (subscribers++ === 0 && !(live && loaded)) void renew();
      const off = view.subscribe(listener);
      return () => {
        off();
        subscribers--;
      };
    },
    load,
    read,
    get loading() {
      return !!loading;
    },
    get loaded() {
      return loaded;
    },
    renew,
    connected() {
      if (subscribers > 0 && !(live && loaded)) void renew();
    },
    drop() {
      reset();
      error = undefined;
      take([], true);
      view.changed();
    },
  };
}

/** Returns the content of a list whose items are only appended. */
export function plain<T, Query>(read: (query?: Query) => Promise<Page<T>>): Content<T, Query> {
  let items: readonly T[] = [];
  return {
    read,
    items: () => items,
    take: (more, first) => void (items = first ? more : [...items, ...more]),
  };
}
