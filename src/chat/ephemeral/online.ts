import type { Bus } from "../../bus/bus.ts";
import type { Clock } from "../../clock.ts";

/** How long other nodes have to reply, in milliseconds. */
const PATIENCE_MS = 100;
const ASKED_MAX = 1_000;

/**
 * Finds out who has an open socket, in whatever room and on whatever node. Nodes that do not reply in time, and all others while
 * the bus is away, are taken to have nobody.
 */
export interface Online {
  of(userIds: readonly number[]): Promise<ReadonlySet<number>>;
}

interface OnlineOptions {
  readonly clock: Clock;
  readonly bus: Pick<Bus, "others" | "announce" | "reply" | "listen">;
  isHere(userId: number): boolean;
}

export function createOnline({ clock, bus, isHere }: OnlineOptions): Online {
  /** Replies so far, by the id of the question. */
  const questions = new Map<number, Set<number>>();
  let lastId = 0;

  bus.listen({
    heard(news, from) {
      if (news.type === "here") for (const userId of news.users) questions.get(news.id)?.add(userId);
      if (news.type !== "who") return;
      const users = news.users.filter(isHere);
      if (users.length > 0) bus.reply(from, { type: "here", id: news.id, users });
    },
  });

  return {
    async of(userIds) {
      const here = new Set(userIds.filter(isHere));
      const unknown = userIds.filter((userId) => !here.has(userId));
      if (bus.others === 0 || unknown.length === 0) return here;
      const id = ++lastId;
      questions.set(id, here);
      for (let at = 0; at < unknown.length; at += ASKED_MAX)
        bus.announce({ type: "who", id, users: unknown.slice(at, at + ASKED_MAX) });
      await new Promise<void>((resolve) => void clock.after(PATIENCE_MS, resolve));
      questions.delete(id);
      return here;
    },
  };
}
