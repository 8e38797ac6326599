import type { Bus } from "../../bus/bus.ts";
import type { Pass } from "../pass.ts";
import type { ThreadSeat } from "../threadports.ts";

/** Tells a person's other sockets, on every node, which threads they follow and how far they have read there. */
export interface Follows {
  /** `by` is the connection whose client already knows. */
  changed(pass: Pass, root: number, seat: ThreadSeat, by?: object): void;
}

interface FollowsOptions {
  readonly bus: Pick<Bus, "announce" | "listen" | "others">;
  /** Tells the person's sockets on this node, except one. */
  tell(userId: number, room: string, root: number, seat: ThreadSeat, except?: object): void;
}

export function createFollows({ bus, tell }: FollowsOptions): Follows {
  bus.listen({
    heard(news) {
      if (news.type !== "followed") return;
      const { userId, room, root, following, lastRead } = news;
      tell(userId, room, root, { following, lastRead });
    },
  });
  return {
    changed({ person: { userId }, room }, root, seat, by) {
      tell(userId, room, root, seat, by);
      if (bus.others > 0) bus.announce({ type: "followed", userId, room, root, ...seat });
    },
  };
}
