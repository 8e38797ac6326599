/** A message as it appears in frames and histories. */
export interface Shown {
  readonly id: number;
  readonly version: number;
  readonly clientId: string;
  readonly content: string;
  readonly username: string;
  readonly deletedAt?: string;
  readonly reactions?: Readonly<Record<string, { readonly count: number }>>;
}

/** A client's copy of a room: the messages by id, and the client's position. */
export interface RoomCopy {
  readonly messages: ReadonlyMap<number, Shown>;
  readonly epoch: string | undefined;
  readonly version: number;
  /** Drops all messages. The copy is live from this version on; older messages must be paged back. */
  restart(epoch: string, version: number): void;
  /** Marks the copy as complete up to this version. */
  reach(version: number): void;
  put(message: Shown): void;
}

export function createCopy(): RoomCopy {
  const messages = new Map<number, Shown>();
  let epoch: string | undefined;
  let version = 0;
  return {
    messages,
    get epoch() {
      return epoch;
    },
    get version() {
      return version;
    },
    restart(newEpoch, from) {
      messages.clear();
      epoch = newEpoch;
      version = from;
    },
    reach: (to) => void (version = Math.max(version, to)),
    put(message) {
      const held = messages.get(message.id);
      if (!held || held.version < message.version) messages.set(message.id, message);
    },
  };
}
