import type { Bus } from "../../bus/bus.ts";
import type { Clock } from "../../clock.ts";
import type { Presence } from "./presence.ts";

/** How long other nodes have to reply, in milliseconds. */
const PATIENCE_MS = 50;
/** How long a count is cached, in milliseconds, and for how many rooms. */
const TTL_MS = 2_000;
const CACHE_MAX = 10_000;
const ASKED_MAX = 1_000;

/** Counts people in rooms for lists, including rooms that nobody on this node is in. */
export interface Counts {
  /** Resolves at once, or after 50 ms if other nodes have to be asked. Nodes that do not reply by then are left out. */
  of(rooms: readonly string[]): Promise<ReadonlyMap<string, number>>;
}

interface CountsOptions {
  readonly clock: Clock;
  readonly bus: Pick<Bus, "others" | "announce" | "reply" | "listen">;
  readonly presence: Pick<Presence, "online" | "here">;
}

/**
 * Presence knows everyone in the rooms that someone here is in. For the others, this asks all nodes at once, and only
 * nodes with people there reply: no node keeps counts of rooms that do not concern it.
 */
export function createCounts({ clock, bus, presence }: CountsOptions): Counts {
  const known = new Map<string, { online: number; until: number }>();
  /** Replies so far, by the id of the question. */
  const questions = new Map<number, Map<string, number>>();
  let lastId = 0;

  bus.listen({
    heard(news, from) {
      if (news.type === "counts") {
        const answer = questions.get(news.id);
        if (answer) for (const [room, count] of news.rooms) answer.set(room, (answer.get(room) ?? 0) + count);
      }
      if (news.type !== "count") return;
      const rooms = news.rooms
        .map((room): [string, number] => [room, presence.here(room)])
        .filter(([, count]) => count > 0);
      if (rooms.length > 0) bus.reply(from, { type: "counts", id: news.id, rooms });
    },
  });

  async function ask(rooms: string[]): Promise<void> {
    const id = ++lastId;
    const answer = new Map<string, number>();
    questions.set(id, answer);
    bus.announce({ type: "count", id, rooms });
    await new Promise<void>((resolve) => void clock.after(PATIENCE_MS, resolve));
    questions.delete(id);
    const until = clock.monotonic() + TTL_MS;
    for (const room of rooms) {
      known.delete(room);
      known.set(room, { online: answer.get(room) ?? 0, until });
    }
    for (const eldest of known.keys().take(Math.max(0, known.size - CACHE_MAX))) known.delete(eldest);
  }

  return {
    async of(rooms) {
      const now = clock.monotonic();
      const unknown = rooms.filter(
        (room) => presence.here(room) === 0 && (known.get(room)?.until ?? 0) <= now,
      );
      if (bus.others > 0 && unknown.length > 0) await ask(unknown.slice(0, ASKED_MAX));
      const online = (room: string) =>
        presence.here(room) > 0 ? presence.online(room) : (known.get(room)?.online ?? 0);
      return new Map(rooms.map((room) => [room, online(room)]));
    },
  };
}
