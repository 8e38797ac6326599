import { shape } from "../frames.ts";
import type { EventFrame, Message, User } from "../message.ts";
import { type PageQuery, readPage, roomPath } from "../page.ts";
import { createPages, type Pages, type PagesInside, plain } from "../people/pages.ts";
import type { Request, Session } from "../session.ts";

/** A message that is pinned in its room. */
export interface PinnedMessage extends Message {
  readonly pinned: {
    readonly at: string;
    readonly by: User;
    /** The version of the notice. */
    readonly version: number;
  };
}

interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** The pinned messages of a room, the latest pin first. While the room is joined, the list follows its pins and deletions. */
export interface Pins extends Pages<PinnedMessage> {
  /** Pins a message. @throws {ChatError} `too_many_pins`, `forbidden` and so on. */
  add(id: number, options?: CallOptions): Promise<void>;
  /** Unpins it. @throws {ChatError} */
  remove(id: number, options?: CallOptions): Promise<void>;
}

export interface PinsInside extends PagesInside<PinnedMessage>, Pick<Pins, "add" | "remove"> {
  /** Something has happened in the room. */
  notice(frame: EventFrame): void;
}

const isPinned = shape("room id:id version:id username user:person content timestamp clientId pinned:object");

export function createPins(room: string, session: Session, repeat: Request, uuid: () => string): PinsInside {
  const pages = createPages<PinnedMessage>(
    plain(({ after, signal }: PageQuery = {}) =>
      readPage<PinnedMessage>(session, roomPath(room, "pins"), isPinned, { before: after, signal }),
    ),
  );
  const set = async (method: "PUT" | "DELETE", id: number, { signal }: CallOptions = {}) => {
    await repeat(method, `${roomPath(room, `pins/${id}`)}?clientId=${uuid()}`, { signal });
    await pages.renew();
  };
  return {
    ...pages,
    add: (id, options) => set("PUT", id, options),
    remove: (id, options) => set("DELETE", id, options),
    notice(frame) {
      const isPin = frame.type === "notice" && /pinned|deleted/.test(frame.notice.type);
      const isGone =
        frame.type === "message" &&
        frame.change !== "created" &&
        pages.snapshot().items.some(({ id }) => id === frame.id);
      const isAnew = frame.type === "joined" && !frame.resumed;
      if (isPin || isGone || isAnew) void pages.renew();
    },
  };
}
