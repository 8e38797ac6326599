/**
 * The bytes of files that were chosen and not sent yet. They are in this browser's IndexedDB, so that a draft and an upload
 * outlive the page. What cannot be kept there lives as long as the page. No method throws.
 */
export interface Vault {
  /** Keeps a file. Returns whether it outlives the page. */
  put(key: string, file: Blob): Promise<boolean>;
  get(key: string): Promise<Blob | undefined>;
  remove(keys: readonly string[]): Promise<void>;
  /** Removes what nothing refers to any more. Files that were added a short while ago stay. */
  sweep(isWanted: (key: string) => boolean, youngMs?: number): Promise<void>;
  /** Whether every file outlives the page. */
  readonly lasting: boolean;
}

const NAME = "parley files";
const STORE = "files";
/** All files together have at most this many bytes. Browsers may allow less. */
export const TOTAL_MAX = 512 * 1024 * 1024;
/** A file may be added before its draft is stored, in milliseconds. */
const YOUNG_MS = 60_000;

interface Row {
  readonly key: string;
  readonly file: Blob;
  /** In milliseconds since 1970. */
  readonly at: number;
}

export function createVault(page: Window & { readonly indexedDB?: IDBFactory }): Vault {
  /** Files that could not be stored, or are about to be. */
  const memory = new Map<string, Blob>();
  let opening: Promise<IDBDatabase> | undefined;

  const open = () =>
    (opening ??= new Promise<IDBDatabase>((resolve, reject) => {
      if (!page.indexedDB) return reject(new Error("there is no IndexedDB"));
      const request = page.indexedDB.open(NAME, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "key" });
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const database = request.result;
        // The browser may close it: when its data is cleared, or its disk is full.
        database.onclose = () => (opening = undefined);
        database.onversionchange = () => database.close();
        resolve(database);
      };
    })).catch((error: unknown) => {
      opening = undefined;
      throw error;
    });

  /** Resolves once the transaction is complete. */
  const within = async <T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>) => {
    const transaction = (await open()).transaction(STORE, mode, { durability: "relaxed" });
    const request = work(transaction.objectStore(STORE));
    await new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = transaction.onerror = () => reject(transaction.error ?? request.error);
    });
    return request.result;
  };
  const rows = () => within("readonly", (store) => store.getAll() as IDBRequest<Row[]>);

  return {
    async put(key, file) {
      memory.set(key, file);
      try {
        const kept = await rows();
        const total = kept.reduce((sum, row) => sum + row.file.size, file.size);
        if (total > TOTAL_MAX) return false;
        await within("readwrite", (store) => store.put({ key, file, at: Date.now() } satisfies Row));
        // From now on it is read from there: the file on disk may be moved or changed.
        memory.delete(key);
        return true;
      } catch {
        return false;
      }
    },
    async get(key) {
      const found = memory.get(key);
      if (found) return found;
      const row = await within("readonly", (store) => store.get(key) as IDBRequest<Row | undefined>).catch(
        () => undefined,
      );
      return row?.file;
    },
    async remove(keys) {
      for (const key of keys) {
        memory.delete(key);
        await within("readwrite", (store) => store.delete(key)).catch(() => {});
      }
    },
    async sweep(isWanted, youngMs = YOUNG_MS) {
      const old = (await rows().catch(() => [])).filter(
        ({ key, at }) => !isWanted(key) && Date.now() - at >= youngMs,
      );
      await this.remove(old.map(({ key }) => key));
    },
    get lasting() {
      return memory.size === 0;
    },
  };
}
