import { join } from "node:path";
import { cpuSeconds } from "./proc.ts";
import { merge } from "./load/histogram.ts";
import type { Replies, Counts, Order, Said, Seat } from "./load/orders.ts";

/** The load: processes of its own that open sockets, talk, and check what they hear. */
export interface Crew {
  /** Has an order carried out by every process; answers what each says. */
  all<K extends Order["do"]>(order: Extract<Order, { do: K }>): Promise<Replies[K][]>;
  /** Opens a socket for each seat; answers when all are live, or given up, which `settle` then says. */
  dial(order: Omit<Extract<Order, { do: "dial" }>, "do">): Promise<{ openMs: number; liveMs: number }>;
  /** What was counted since the last mark, by all together. */
  mark(): Promise<Counts>;
  /**
   * Stops the talk and waits until everyone has everything; answers what is wrong. `finish`: how long, in milliseconds,
   * those who have something left to say may take over it.
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
      const answers = (await Promise.all(
        workers.map((worker, at) => worker.ask({ do: "dial", ...options, seats: shares[at] ?? [] })),
      )) as Replies["dial"][];
      return {
        openMs: Math.max(...answers.map(({ openMs }) => openMs)),
        liveMs: Math.max(...answers.map(({ liveMs }) => liveMs)),
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
      const heard = await all({ do: "hush", ...(finish !== undefined && { finish }) });
      const said: Record<string, Said> = {};
      for (const part of heard)
        for (const [room, { count, sum }] of Object.entries(part.said)) {
          const before = said[room] ?? { count: 0, sum: 0 };
          said[room] = { count: before.count + count, sum: (before.sum + sum) | 0 };
        }
      const answers = await all({ do: "settle", said, limitMs });
      return answers.flatMap(({ problems }) => problems);
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
    ipc({ id, answer }: { id: number; answer: unknown }) {
      waiting.get(id)?.resolve(answer);
      waiting.delete(id);
    },
    onExit(_, code) {
      for (const { reject } of waiting.values()) reject(new Error(`a load process ended with ${code}`));
    },
  });
  return {
    pid: child.pid,
    ask(order: Order): Promise<unknown> {
      const id = ++lastId;
      const answer = Promise.withResolvers<unknown>();
      waiting.set(id, answer);
      child.send({ id, order });
      return answer.promise;
    },
    async stop() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}
