import type { Bus } from "../../bus/bus.ts";
import type { Clock } from "../../clock.ts";
import type { Message, Replies, RoomChange } from "../../message.ts";
import type { ThreadKey, ThreadNews, ThreadStore } from "../threadports.ts";

/** How long changes of threads are gathered before their summaries are read, in milliseconds. */
const GATHER_MS = 100;
/** Summaries that are read in one statement, and threads that may wait for that. Beyond, readers learn of them from pages. */
const BATCH = 50;
const WAITING = 2_000;

/** Tells rooms how many replies their threads have. Nothing is stored, and an event may be lost. */
export interface RepliesNews {
  /** Takes a range that was committed on this node. */
  committed(change: RoomChange): void;
}

interface RepliesOptions {
  readonly clock: Clock;
  readonly bus: Pick<Bus, "publish" | "listen">;
  readonly store: Pick<ThreadStore, "news">;
  /** Whether anyone is in the room, on this node or on another one. */
  heeded(room: string): boolean;
  /** Whether another node has someone in the room. */
  shared(room: string): boolean;
  /** Resolves once this version was released to the room's readers here. */
  reached(room: string, version: number): Promise<void>;
  /** Tells everyone in the room on this node who sees the message `root`. */
  tell(room: string, root: number, version: number, replies: Replies | null): void;
}

export function createReplies(options: RepliesOptions): RepliesNews {
  const { clock, bus, store, heeded, shared, reached, tell } = options;
  const waiting = new Map<string, ThreadKey>();
  let running = false;

  // Whoever is removed by a change that the summary knows has left the room by then.
  const show = async ({ room, root, counter, replies }: ThreadNews) => {
    await reached(room, counter);
    tell(room, root, counter, replies);
  };

  async function run(): Promise<void> {
    for (;;) {
      await new Promise<void>((resolve) => clock.after(GATHER_MS, resolve));
      const batch = [...waiting].slice(0, BATCH);
      if (batch.length === 0) break;
      for (const [key] of batch) waiting.delete(key);
      try {
        for (const news of await store.news(batch.map(([, thread]) => thread))) {
          void show(news);
          if (shared(news.room)) bus.publish({ type: "thread", ...news });
        }
      } catch {
        // The database is away: the next page of history has the summary.
      }
    }
    running = false;
  }

  bus.listen({
    heard(news) {
      if (news.type === "thread") void show(news);
    },
  });

  return {
    committed({ room, states }) {
      for (const state of states) {
        if (!isCounted(state) || state.thread === null || waiting.size >= WAITING || !heeded(room)) continue;
        const { root } = state.thread;
        waiting.set(`${root} ${room}`, { room, root });
        if (running) continue;
        running = true;
        void run();
      }
    },
  };
}

/** Whether a change makes the summary of its thread another one: a new reply, or the deletion of one. */
const isCounted = ({ id, version, deletedAt }: Message) => version === id || deletedAt !== null;
