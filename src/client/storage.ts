type Maybe<T> = T | Promise<T>;

/** Where a client keeps what is to outlive it: `localStorage` has this form, and so has many a promise of one. */
export interface ChatStorage {
  getItem(key: string): Maybe<string | null | undefined>;
  setItem(key: string, value: string): Maybe<unknown>;
  removeItem(key: string): Maybe<unknown>;
}

/** One key of a storage. */
export interface Slot {
  read(): Promise<string | undefined>;
  /**
   * Makes the next value out of the one that is there now: another tab may have written it. Undefined removes it.
   * @throws what the storage throws, such as that it is full.
   */
  update(next: (value: string | undefined) => string | undefined): Promise<void>;
}

/**
 * One step comes after the other. Where the storage answers at once nothing but promises lies between them, so that all
 * is written before the page can go away.
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
