import type { Clock } from "../clock.ts";
import type { PushQueue } from "./ports.ts";

/** How long read marks are gathered, in milliseconds, and how many at most. What is beyond that is not withdrawn. */
const GATHER_MS = 500;
const GATHERED_MAX = 5_000;

/** Tells the queue how far people have read, so that what their devices show of it is withdrawn. */
export interface Reads {
  read(userId: number, room: string, id: number): void;
  stop(): void;
}

export function createReads(queue: Pick<PushQueue, "read">, clock: Clock): Reads {
  let marks = new Map<string, { readonly userId: number; readonly room: string; readonly id: number }>();
  let cancel: (() => void) | undefined;

  const flush = () => {
    cancel = undefined;
    const read = [...marks.values()];
    marks = new Map();
    // If the database is away, the notifications stay until the page is opened.
    queue.read(read).catch(() => {});
  };

  return {
    read(userId, room, id) {
      const key = `${userId} ${room}`;
      if (marks.size >= GATHERED_MAX && !marks.has(key)) return;
      marks.set(key, { userId, room, id: Math.max(id, marks.get(key)?.id ?? 0) });
      cancel ??= clock.after(GATHER_MS, flush);
    },
    stop: () => cancel?.(),
  };
}
