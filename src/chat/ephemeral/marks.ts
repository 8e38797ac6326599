import type { Bus } from "../../bus/bus.ts";

/** Tells a person's other sockets in a room how far they have read, on every node. */
export interface Marks {
  /** The mark moved. `by` is the connection whose client already knows. */
  moved(userId: number, room: string, id: number, by: object): void;
}

interface MarksOptions {
  readonly bus: Pick<Bus, "publish" | "listen">;
  /** Whether another node has someone in the room. */
  shared(room: string): boolean;
  /** Tells the person's sockets on this node, except one. */
  tell(userId: number, room: string, id: number, except?: object): void;
}

export function createMarks({ bus, shared, tell }: MarksOptions): Marks {
  bus.listen({
    heard(news) {
      if (news.type === "read") tell(news.userId, news.room, news.id);
    },
  });

  return {
    moved(userId, room, id, by) {
      tell(userId, room, id, by);
      if (shared(room)) bus.publish({ type: "read", room, userId, id });
    },
  };
}
