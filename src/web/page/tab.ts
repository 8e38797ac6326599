/** One tab of the browser. Its id stays the same when the page is reloaded. */
export interface Tab {
  readonly id: string;
  /** Returns the ids of the tabs that are open, without this one. If the browser does not say, there are none. */
  others(): Promise<ReadonlySet<string>>;
}

const KEY = "parley tab";
/** After this time, another tab has this id, because the browser copied it: "Duplicate tab". In milliseconds. */
const COPY_MS = 5_000;

/** Every open tab holds a lock with its id, which the browser releases when the tab closes or crashes. */
export function createTab(page: Window): Tab {
  const locks = page.navigator.locks as LockManager | undefined;
  const create = () => remember(page, Math.random().toString(36).slice(2));
  const hold = (control?: AbortController) =>
    locks?.request(`${KEY} ${id}`, control ? { signal: control.signal } : {}, () => {
      clearTimeout(timer);
      return new Promise(() => {});
    });
  let id = remembered(page) ?? create();
  const waiting = new AbortController();
  const timer = setTimeout(() => {
    waiting.abort();
    id = create();
    hold()?.catch(() => {});
  }, COPY_MS);
  (hold(waiting) ?? Promise.resolve(clearTimeout(timer))).catch(() => {});

  return {
    get id() {
      return id;
    },
    async others() {
      const { held = [], pending = [] } = (await locks?.query().catch(() => undefined)) ?? {};
      const names = [...held, ...pending].map(({ name = "" }) => name);
      const ids = names
        .filter((name) => name.startsWith(`${KEY} `))
        .map((name) => name.slice(KEY.length + 1));
      return new Set(ids.filter((other) => other !== id));
    },
  };
}

function remembered(page: Window): string | undefined {
  try {
    return page.sessionStorage.getItem(KEY) ?? undefined;
  } catch {
    return undefined;
  }
}

function remember(page: Window, id: string): string {
  try {
    page.sessionStorage.setItem(KEY, id);
  } catch {
    // The tab then has another id after each reload, like a tab that was closed.
  }
  return id;
}
