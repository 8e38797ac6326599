/** What was sent and what was promised, as the clients saw it: one for all clients of a scenario. */
export interface Ledger {
  /** What was sent, by its clientId. */
  readonly sends: ReadonlyMap<string, string>;
  /** The id of each acknowledged message, by its clientId. */
  readonly acks: ReadonlyMap<string, number>;
  /** What must not happen, one line each; only the first of them are kept. */
  readonly breaches: readonly string[];
  readonly breachCount: number;
  /** How often each thing happened that may happen. */
  readonly counts: ReadonlyMap<string, number>;
  /** The longest that a command on a live socket had to wait for its answer, in milliseconds. */
  readonly slowestReply: number;
  send(clientId: string, content: string): void;
  ack(clientId: string, id: number): void;
  breach(what: string): void;
  count(what: string, by?: number): void;
  replied(afterMs: number): void;
}

const KEPT = 20;

export function createLedger(): Ledger {
  const sends = new Map<string, string>();
  const acks = new Map<string, number>();
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
    breaches,
    counts,
    get breachCount() {
      return breachCount;
    },
    get slowestReply() {
      return slowestReply;
    },
    send: (clientId, content) => void sends.set(clientId, content),
    ack(clientId, id) {
      const before = acks.get(clientId);
      if (before !== undefined && before !== id)
        breach(`one send was acknowledged as ${before} and as ${id}`);
      if (!sends.has(clientId)) breach(`an ack for ${clientId}, which nobody sent`);
      acks.set(clientId, id);
    },
    breach,
    count: (what, by = 1) => void counts.set(what, (counts.get(what) ?? 0) + by),
    replied: (afterMs) => void (slowestReply = Math.max(slowestReply, afterMs)),
  };
}
