/** A message as frames and histories show it. */
export interface Shown {
  readonly id: number;
  readonly version: number;
  readonly clientId: string;
  readonly content: string;
  readonly username: string;
  readonly deletedAt?: string;
  readonly reactions?: Readonly<Record<string, { readonly count: number }>>;
}

/** One client's own copy of a room: its messages by id, and where it stands. */
export interface RoomCopy {
  readonly messages: ReadonlyMap<number, Shown>;
  readonly epoch: string | undefined;
  readonly version: number;
  /** Forgets everything: live from this version, the rest is to be paged back. */
  restart(epoch: string, version: number): void;
  /** It holds all there is up to this version. */
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
