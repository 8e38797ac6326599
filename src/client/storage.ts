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
  /** Replaces the value; undefined removes it. @throws what the storage throws, such as that it is full. */
  write(value: string | undefined): Promise<void>;
  /** Makes the next value out of the one that is there now: another tab may have written it. */
  update(next: (value: string | undefined) => string | undefined): Promise<void>;
}

/**
 * Writes come one after the other. Where the storage answers at once, so does this: reading and writing are one step
 * then, and what was written is there though the page is gone the next moment.
 */
export function createSlot(storage: ChatStorage | undefined, key: string): Slot {
  let memory: string | undefined;
  const store: ChatStorage = storage ?? {
    getItem: () => memory,
    setItem: (_, value) => (memory = value),
    removeItem: () => (memory = undefined),
  };
  let last: Promise<unknown> | undefined;

  const put = (value: string | undefined) =>
    value === undefined ? store.removeItem(key) : store.setItem(key, value);

  /** In turn; at once where nothing is before it. */
  const inTurn = <T>(work: () => Maybe<T>): Promise<T> => {
    const done = last ? last.then(work, work) : attempt(work);
    if (!(done instanceof Promise)) return Promise.resolve(done);
    const turn = done.then(
      () => {},
      () => {},
    );
    last = turn;
    void turn.then(() => last === turn && (last = undefined));
    return done;
  };

  return {
    read: () => inTurn(() => then(store.getItem(key), (value) => value ?? undefined)),
    write: (value) => inTurn(() => then(put(value), () => {})),
    update: (next) =>
      inTurn(() => then(store.getItem(key), (value) => then(put(next(value ?? undefined)), () => {}))),
  };
}

/** A throw becomes a promise that is rejected. */
function attempt<T>(work: () => Maybe<T>): Maybe<T> {
  try {
    return work();
  } catch (error) {
    return Promise.reject(error);
  }
}

const then = <T, R>(value: Maybe<T>, next: (value: T) => Maybe<R>): Maybe<R> =>
  value instanceof Promise ? value.then(next) : next(value);
