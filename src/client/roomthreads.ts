import { createLater, methodsOf } from "./later.ts";
import { part } from "./parts.ts";
import type { Room, RoomEvents, Thread, ThreadState } from "./roomstate.ts";
import type { Request, Session } from "./session.ts";
import type { ThreadInside } from "./threads/thread.ts";

/** What a thread needs of the chat. */
export interface ThreadParts {
  readonly session: Session;
  readonly repeat: Request;
  readonly me: () => string | undefined;
}

/** The threads of a room, whose code is loaded when one is first used. */
export function createRoomThreads(room: Room, parts: ThreadParts) {
  const made = new Map<number, { readonly thread: Thread; connected(): void }>();

  const create = (id: number) => {
    const early: ThreadState = {
      ...room.initial(),
      root: undefined,
      following: false,
      lastRead: id,
      more: true,
    };
    const later = createLater<ThreadState, ThreadInside>(
      async () => (await part("threads")).createThread({ ...parts, room, root: id }),
      early,
      { ...early, state: "joining" },
    );
    const { snapshot, initial, subscribe, connected } = later;
    const thread: Thread = {
      ...room,
      ...methodsOf(later.use, "older", "history", "read", "follow"),
      id,
      snapshot,
      initial,
      subscribe,
      send: (content, options) => room.send(content, { ...options, thread: id }),
      on: <T extends keyof RoomEvents>(type: T, listener: (event: RoomEvents[T]) => void) =>
        room.on(type, (event) => {
          if (type !== "message" || id === ("thread" in event ? event.thread : "id" in event && event.id))
            listener(event);
        }),
    };
    return { thread, connected };
  };

  return {
    thread(id: number): Thread {
      const known = made.get(id) ?? create(id);
      made.set(id, known);
      return known.thread;
    },
    /** There is a new connection: what could not be loaded is tried again. */
    connected: () => made.forEach(({ connected }) => connected()),
  };
}
