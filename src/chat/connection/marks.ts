import type { Bus } from "../../bus/bus.ts";
import type { Connection } from "./connection.ts";
import { encode } from "../codecs/encode.ts";
import type { Hub } from "./hub.ts";

/** Tells a person's sockets in a room how far they have read, on every node. */
export interface Marks {
  /** The mark was moved, by way of this connection, whose client knows. */
  moved(userId: number, room: string, id: number, by: Connection): void;
}

interface MarksOptions {
  readonly hub: Pick<Hub, "tell">;
  readonly bus: Pick<Bus, "publish" | "listen">;
  /** Whether another node has someone in the room. */
  shared(room: string): boolean;
}

export function createMarks({ hub, bus, shared }: MarksOptions): Marks {
  const tell = (userId: number, room: string, id: number, except?: Connection) =>
    hub.tell(userId, room, encode({ type: "read", room, id }), except);

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
