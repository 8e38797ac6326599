import { join } from "node:path";
import { cpuSeconds } from "./proc.ts";
import { merge } from "./load/histogram.ts";
import type { Counts, Order, Replies, Said, Seat } from "./load/orders.ts";

/** The load processes. They open sockets, send messages and verify what they receive. */
export interface Crew {
  /** Sends an order to every process and resolves with all replies. */
  all<K extends Order["do"]>(order: Extract<Order, { do: K }>): Promise<Replies[K][]>;
  /** Opens a socket for each seat. Resolves when every socket is live or failed; `settle` reports the failed ones. */
  dial(order: Omit<Extract<Order, { do: "dial" }>, "do">): Promise<{ openMs: number; liveMs: number }>;
  /** Returns the totals of all processes since the last mark. */
  mark(): Promise<Counts>;
  /**
   * Stops the senders, waits until every socket has received every message, and returns the problems found. `finish` is
   * how long senders may take to send their remaining messages, in milliseconds.
   */
  settle(options?: { finish?: number; limitMs?: number }): Promise<string[]>;
  cpuSeconds(): number;
  readonly size: number;
  stop(): Promise<void>;
}

const SETTLE_MS = 15_000;

export function createCrew(size: number): Crew {
  const workers = Array.from({ length: size }, createWorker);

  const all = <K extends Order["do"]>(order: Extract<Order, { do: K }>) =>
    Promise.all(workers.map((worker) => worker.ask(order))) as Promise<Replies[K][]>;

  return {
    all,
    size,
    async dial({ seats, ...options }) {
      const shares = workers.map((_, at) => seats.filter((_, index) => index % size === at) as Seat[]);
      const replies = (await Promise.all(
        workers.map((worker, at) => worker.ask({ do: "dial", ...options, seats: shares[at] ?? [] })),
      )) as Replies["dial"][];
      return {
        openMs: Math.max(...replies.map(({ openMs }) => openMs)),
        liveMs: Math.max(...replies.map(({ liveMs }) => liveMs)),
      };
    },
    async mark() {
      const counts = await all({ do: "mark" });
      const sum = (key: "acked" | "delivered" | "presence" | "lagging" | "refused" | "bytes") =>
        counts.reduce((total, part) => total + part[key], 0);
      const joined = (key: "ack" | "delivery" | "last") => [...merge(counts.map((part) => part[key]))];
      return {
        acked: sum("acked"),
        delivered: sum("delivered"),
        presence: sum("presence"),
        lagging: sum("lagging"),
        refused: sum("refused"),
        bytes: sum("bytes"),
        ack: joined("ack"),
        delivery: joined("delivery"),
        last: joined("last"),
      };
    },
    async settle({ finish, limitMs = SETTLE_MS } = {}) {
      const hushed = await all({ do: "hush", ...(finish !== undefined && { finish }) });
      const said: Record<string, Said> = {};
      for (const part of hushed)
        for (const [room, { count, sum }] of Object.entries(part.said)) {
          const before = said[room] ?? { count: 0, sum: 0 };
          said[room] = { count: before.count + count, sum: (before.sum + sum) | 0 };
        }
      const replies = await all({ do: "settle", said, limitMs });
      return replies.flatMap(({ problems }) => problems);
    },
    cpuSeconds: () => workers.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0),
    async stop() {
      await Promise.all(workers.map((worker) => worker.stop()));
    },
  };
}

function createWorker() {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let lastId = 0;
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "load/worker.ts")], {
    stdin: "ignore",
    stdout: "inherit",
    stderr: "inherit",
    ipc({ id, reply }: { id: number; reply: unknown }) {
      waiting.get(id)?.resolve(reply);
      waiting.delete(id);
    },
    onExit(_, code) {
      for (const { reject } of waiting.values()) reject(new Error(`a load process exited with code ${code}`));
    },
  });
  return {
    pid: child.pid,
    ask(order: Order): Promise<unknown> {
      const id = ++lastId;
      const reply = Promise.withResolvers<unknown>();
      waiting.set(id, reply);
      child.send({ id, order });
      return reply.promise;
    },
    async stop() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}
