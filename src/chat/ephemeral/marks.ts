import type { Bus } from "../../bus/bus.ts";
import type { Named } from "../../person.ts";
import type { Pass } from "../pass.ts";
import type { Marked } from "../ports.ts";
import { NAMED_MAX } from "./presence.ts";

/** Tells a person's other sockets in a room how far they have read and, in some rooms, the other members. On every node. */
export interface Marks {
  /**
   * The mark of a pass' holder moved. `by` is the connection whose client already knows. `here`: it is in the room, so the
   * others may learn it, unless the mark moved back: what someone has read, they have read.
   */
  moved(pass: Pass, mark: Omit<Marked, "moved">, by: object, here: boolean): void;
}

interface MarksOptions {
  readonly bus: Pick<Bus, "publish" | "listen">;
  online(room: string): number;
  /** Whether another node has someone in the room. */
  shared(room: string): boolean;
  /** Tells the person's sockets on this node, except one. */
  tell(userId: number, room: string, id: number, back: boolean, except?: object): void;
  /** Tells everyone in the room on this node. */
  show(room: string, id: number, reader: Named): void;
}

export function createMarks({ bus, online, shared, tell, show }: MarksOptions): Marks {
  bus.listen({
    heard(news) {
      if (news.type !== "read") return;
      const { userId, room, id, back, reader } = news;
      tell(userId, room, id, back === true);
      if (reader) show(room, id, reader);
    },
  });

  return {
    moved({ person, room, membership }, { lastRead: id, back }, by, here) {
      const { userId, username, user } = person;
      tell(userId, room, id, back === true, by);
      const { kind, receipts, blocked } = membership;
      // In a large room, everyone's marks would be more than anyone can look at.
      const isShown =
        here && !back && !blocked && (kind === "direct" || receipts) && online(room) <= NAMED_MAX;
      const reader = isShown ? { username, user } : undefined;
      if (reader) show(room, id, reader);
      if (shared(room))
        bus.publish({ type: "read", room, userId, id, ...(back && { back }), ...(reader && { reader }) });
    },
  };
}
