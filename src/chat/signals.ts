import type { Bus } from "../bus/bus.ts";
import type { Clock } from "../clock.ts";
import type { Access } from "./access/access.ts";
import { shownReplies } from "./codecs/encode.ts";
import { presenceFrame } from "./codecs/people.ts";
import type { OpenConnection } from "./connection/hub.ts";
import type { Delivery } from "./delivery/delivery.ts";
import { createCounts } from "./ephemeral/counts.ts";
import { createFollows } from "./ephemeral/follows.ts";
import { createOnline } from "./ephemeral/online.ts";
import { createMarks } from "./ephemeral/marks.ts";
import { createPresence } from "./ephemeral/presence.ts";
import { createReplies } from "./ephemeral/replies.ts";
import { createTyping } from "./ephemeral/typing.ts";
import type { ThreadStore } from "./threadports.ts";
import type { Rooms } from "./room/rooms.ts";

interface SignalsOptions {
  readonly clock: Clock;
  readonly bus: Bus;
  readonly threads: Pick<ThreadStore, "news">;
  /** Tells live readers of a room: see {@link Delivery}. */
  readonly tell: Delivery["tell"];
  /** A person's open sockets on this node. */
  socketsOf(userId: number): readonly OpenConnection[];
  readonly rooms: Pick<Rooms, "isOpen" | "reached">;
  readonly mayList: Access["mayList"];
}

/** Events without a version, which are never stored: who is there and types, what has been read, what threads hold. */
export function createSignals({ clock, bus, threads, tell, socketsOf, rooms, mayList }: SignalsOptions) {
  const presence = createPresence({
    clock,
    bus,
    tell: (room, news) => tell(room, presenceFrame(room, news)),
  });
  const { online, shared } = presence;
  return {
    presence,
    counts: createCounts({ clock, bus, presence }),
    online: createOnline({ clock, bus, isHere: (userId) => socketsOf(userId).length > 0 }),
    typing: createTyping({
      clock,
      bus,
      online,
      shared,
      tell: (room, { username, user }) => tell(room, { type: "typing", room, username, user }),
    }),
    marks: createMarks({
      bus,
      shared,
      tell(userId, room, id, back, except) {
        for (const socket of socketsOf(userId)) if (socket !== except) socket.marked(room, id, back);
      },
      online,
      show: (room, id, { username, user }) => tell(room, { type: "receipt", room, id, username, user }),
    }),
    replies: createReplies({
      clock,
      bus,
      store: threads,
      heeded: (room) => rooms.isOpen(room) || shared(room),
      shared,
      reached: rooms.reached,
      tell: (room, id, version, found) =>
        void tell(room, { type: "thread", room, id, version, replies: found && shownReplies(found) }, id),
    }),
    follows: createFollows({
      bus,
      tell(userId, room, root, seat, except) {
        for (const socket of socketsOf(userId))
          if (socket !== except && mayList(socket.identity, room)) socket.protocol.followed(room, root, seat);
      },
    }),
  };
}
