import type { Change } from "./change.ts";

/** What a change was acknowledged as. */
export interface Acked {
  readonly id: number;
  readonly version: number;
}

/** What was sent and what was promised, as the clients saw it: one for all clients of a scenario. */
export interface Ledger {
  /** What was sent, by its clientId. */
  readonly sends: ReadonlyMap<string, Change>;
  /** By clientId too. */
  readonly acks: ReadonlyMap<string, Acked>;
  /** Changes of messages that are deleted, by room and clientId. */
  readonly gone: ReadonlyMap<string, ReadonlyMap<string, { readonly id: number }>>;
  /** What must not happen, one line each; only the first of them are kept. */
  readonly breaches: readonly string[];
  readonly breachCount: number;
  /** How often each thing happened that may happen. */
  readonly counts: ReadonlyMap<string, number>;
  /** The longest that a command on a live socket had to wait for its answer, in milliseconds. */
  readonly slowestReply: number;
  send(change: Change): void;
  ack(change: Change, acked: Acked, duplicate: boolean): void;
  /** A change came too late: its message is deleted. */
  tooLate(room: string, change: Change): void;
  breach(what: string): void;
  count(what: string, by?: number): void;
  replied(afterMs: number): void;
}

const KEPT = 20;

export function createLedger(): Ledger {
  const sends = new Map<string, Change>();
  const acks = new Map<string, Acked>();
  const gone = new Map<string, Map<string, { id: number }>>();
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
    breaches,
    counts,
    get breachCount() {
      return breachCount;
    },
    get slowestReply() {
      return slowestReply;
    },
    send: (change) => void sends.set(change.clientId, change),
    ack({ clientId, type }, { id, version }, duplicate) {
      const before = acks.get(clientId);
      if (before && (before.id !== id || before.version !== version))
        breach(`one ${type} was acknowledged as ${before.id}.${before.version} and as ${id}.${version}`);
      if (before && !duplicate) breach(`a ${type} was acknowledged as new twice`);
      acks.set(clientId, { id, version });
    },
    tooLate(room, change) {
      const { clientId, type } = change;
      if (type === "send" || acks.has(clientId)) return breach(`a ${type} was refused as of no message`);
      gone.getOrInsert(room, new Map()).set(clientId, change);
    },
    breach,
    count: (what, by = 1) => void counts.set(what, (counts.get(what) ?? 0) + by),
    replied: (afterMs) => void (slowestReply = Math.max(slowestReply, afterMs)),
  };
}

/** Counts by name, in a line. */
export const counted = (counts: ReadonlyMap<string, number>): string =>
  [...counts]
    .sort()
    .map(([what, times]) => `${what} ${times}`)
    .join(", ");
