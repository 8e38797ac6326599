import type { ChatStorage } from "../../client/index.ts";

/**
 * What the page keeps in this browser, in `localStorage`. No method throws, whatever the browser does: if the storage is
 * blocked, full or absent, values live as long as the page, and `lasting` is false. Everything on the page uses this one,
 * and prefixes its keys with `parley `.
 */
export interface PageStorage extends ChatStorage {
  getItem(key: string): string | null;
  /** Returns whether the value outlives the page. */
  setItem(key: string, value: string): boolean;
  removeItem(key: string): void;
  /** Returns the keys that begin with `prefix`. */
  keys(prefix: string): string[];
  /** Whether everything outlives the page. */
  readonly lasting: boolean;
}

export function createStorage(page: Window): PageStorage {
  /** Values that could not be stored. Null: could not be removed. */
  const unsaved = new Map<string, string | null>();
  const tried = <T>(work: (storage: Storage) => T): T | undefined => {
    try {
      // Read it each time: the property itself throws if storage is blocked, which people can change at any moment.
      return work(page.localStorage);
    } catch {
      return undefined;
    }
  };
  const put = (key: string, value: string | null): boolean => {
    const isStored = tried((storage) => {
      if (value === null) storage.removeItem(key);
      else storage.setItem(key, value);
      return true;
    });
    if (isStored) unsaved.delete(key);
    else unsaved.set(key, value);
    return isStored === true;
  };
  // What another tab stored is newer than what this one could not store.
  page.addEventListener("storage", ({ key }) => void (key !== null && unsaved.delete(key)));

  return {
    getItem(key) {
      const value = unsaved.get(key);
      return value === undefined ? (tried((storage) => storage.getItem(key)) ?? null) : value;
    },
    setItem: put,
    removeItem: (key) => void put(key, null),
    keys(prefix) {
      const stored = tried((storage) => Object.keys(storage)) ?? [];
      const all = new Set([...stored, ...unsaved.keys()]);
      return [...all].filter((key) => key.startsWith(prefix) && unsaved.get(key) !== null);
    },
    get lasting() {
      return unsaved.size === 0;
    },
  };
}
