type Maybe<T> = T | Promise<T>;

/** A store that outlives the client, such as `localStorage`. Its methods may return promises. */
export interface ChatStorage {
  getItem(key: string): Maybe<string | null | undefined>;
  setItem(key: string, value: string): Maybe<unknown>;
  removeItem(key: string): Maybe<unknown>;
}

/** One key of a storage. */
export interface Slot {
  read(): Promise<string | undefined>;
  /**
   * Replaces the value by one that `next` makes of the current value, which another tab may have written. Undefined
   * removes it.
   * @throws the storage's error, for example because it is full.
   */
  update(next: (value: string | undefined) => string | undefined): Promise<void>;
}

/**
 * Serializes reads and updates of one key. With a synchronous storage only promises separate the steps, so everything is
 * written before the page can unload.
 */
export function createSlot(storage: ChatStorage | undefined, key: string): Slot {
  let memory: string | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const read = async () => (storage ? ((await storage.getItem(key)) ?? undefined) : memory);
  const write = (value: string | undefined): unknown => {
    memory = value;
    return value === undefined ? storage?.removeItem(key) : storage?.setItem(key, value);
  };
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work);
    last = turn.catch(() => {});
    return turn;
  };

  return {
    read: () => inTurn(read),
    update: (next) => inTurn(async () => void (await write(next(await read())))),
  };
}
