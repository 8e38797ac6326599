import type { Change } from "./change.ts";

/** The id and version with which a change was acknowledged. */
export interface Acked {
  readonly id: number;
  readonly version: number;
}

/** What the clients sent and what the server acknowledged. All clients of a scenario share one ledger. */
export interface Ledger {
  /** Sent changes by clientId. */
  readonly sends: ReadonlyMap<string, Change>;
  /** Acknowledgements by clientId. */
  readonly acks: ReadonlyMap<string, Acked>;
  /** Changes rejected because their message is deleted, by room and clientId. */
  readonly gone: ReadonlyMap<string, ReadonlyMap<string, { readonly id: number }>>;
  /**
   * Changes whose sender may not make them, by clientId. `true`: they were sent once since, so they must not be committed. An
   * earlier copy on a socket that ended may be, if its sender is back by then.
   */
  readonly refused: ReadonlyMap<string, boolean>;
  /** Violations of the protocol, one line each. Only the first 20 are kept. */
  readonly breaches: readonly string[];
  readonly breachCount: number;
  /** Counts of legitimate events by name. */
  readonly counts: ReadonlyMap<string, number>;
  /** The longest time that a command on a live socket waited for its reply, in milliseconds. */
  readonly slowestReply: number;
  send(change: Change): void;
  ack(change: Change, acked: Acked, duplicate: boolean): void;
  /** Records that a change came too late because its message is deleted. */
  tooLate(room: string, change: Change): void;
  /** Records that a change was refused for good, because its sender is not in the room. */
  refuse(change: Change, sentOnce: boolean): void;
  breach(what: string): void;
  count(what: string, by?: number): void;
  replied(afterMs: number): void;
}

const KEPT = 20;

export function createLedger(): Ledger {
  const sends = new Map<string, Change>();
  const acks = new Map<string, Acked>();
  const gone = new Map<string, Map<string, { id: number }>>();
  const refused = new Map<string, boolean>();
  const counts = new Map<string, number>();
  const breaches: string[] = [];
  let breachCount = 0;
  let slowestReply = 0;

  const breach = (what: string) => {
    breachCount++;
    if (breaches.length < KEPT) breaches.push(what);
  };

  return {
    sends,
    acks,
    gone,
    refused,
    breaches,
    counts,
    get breachCount() {
      return breachCount;
    },
    get slowestReply() {
      return slowestReply;
    },
    send(change) {
      sends.set(change.clientId, change);
      refused.delete(change.clientId);
    },
    ack({ clientId, type }, { id, version }, duplicate) {
      const before = acks.get(clientId);
      if (before && (before.id !== id || before.version !== version))
        breach(`a ${type} was acknowledged as ${before.id}.${before.version} and later as ${id}.${version}`);
      if (before && !duplicate) breach(`a ${type} was acknowledged twice as new`);
      acks.set(clientId, { id, version });
    },
    tooLate(room, change) {
      const { clientId, type } = change;
      if (type === "send" || acks.has(clientId))
        return breach(`a ${type} was wrongly refused with not_found`);
      gone.getOrInsert(room, new Map()).set(clientId, change);
    },
    refuse(change, sentOnce) {
      const { clientId, type } = change;
      if (acks.has(clientId)) return breach(`a repeat of an acknowledged ${type} was refused`);
      refused.set(clientId, sentOnce);
    },
    breach,
    count: (what, by = 1) => void counts.set(what, (counts.get(what) ?? 0) + by),
    replied: (afterMs) => void (slowestReply = Math.max(slowestReply, afterMs)),
  };
}

/** Formats counts by name as one line. */
export const counted = (counts: ReadonlyMap<string, number>): string =>
  [...counts]
    .sort()
    .map(([what, times]) => `${what} ${times}`)
    .join(", ");
