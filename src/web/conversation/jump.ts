import type { Message, Room } from "../../client/index.ts";
import type { Past } from "./past.ts";
import { indexOf } from "./span.ts";

/** How long the target of a jump is highlighted, in milliseconds. */
const FOUND_MS = 2_000;

/** Why a link did not lead to a message. */
export type Lost = "missing" | "hidden" | "deleted" | "failed";

interface Options {
  readonly room: Room;
  readonly past: Past;
  /** The message is loaded. */
  found(id: number): void;
  /** The message is a reply in a thread alone, which has a place of its own. */
  inThread(reply: Message): void;
  redraw(): void;
}

/** Jumps to messages, and loads what is around them. */
export function createJump({ room, past, redraw, ...options }: Options) {
  /** Rises with each jump. */
  let jumps = 0;
  let found: number | undefined;
  let lost: Lost | undefined;

  /** Resolves to the first message from this id on, if there is one. @throws {ChatError} @throws STALE if the reader goes elsewhere. */
  const near = async (id: number): Promise<Message | undefined> => {
    const mine = ++jumps;
    lost = undefined;
    await past.reach(id);
    if (mine !== jumps) throw STALE;
    const { messages } = past.stretch();
    return messages[indexOf(messages, id)];
  };

  /** The message, if it is not part of the main conversation. */
  const replyAt = async (id: number): Promise<Message | undefined> => {
    const mine = jumps;
    const { messages } = await room.history({ after: id - 1, limit: 1 });
    if (mine !== jumps) throw STALE;
    return messages[0]?.id === id ? messages[0] : undefined;
  };

  const dismiss = () => {
    lost = undefined;
    redraw();
  };

  return {
    get found() {
      return found;
    },
    get lost() {
      return lost;
    },
    near,
    async to(id: number): Promise<void> {
      try {
        let message = await near(id);
        const reply = message?.id === id ? undefined : await replyAt(id);
        if (reply?.thread !== undefined) {
          options.inThread(reply);
          message = await near(reply.thread);
          if (message) options.found(message.id);
        } else if (message?.id !== id) {
          lost = id < room.snapshot().from ? "hidden" : "missing";
          if (message) options.found(message.id);
        } else {
          if (message.deletedAt) lost = "deleted";
          found = id;
          setTimeout(() => {
            if (found === id) found = undefined;
            redraw();
          }, FOUND_MS);
          options.found(id);
        }
      } catch (error) {
        if (error !== STALE) lost = "failed";
      }
      redraw();
    },
    dismiss,
    /** The reader goes elsewhere. */
    cancel() {
      jumps++;
      lost = undefined;
    },
  };
}

/** Another jump began. */
const STALE = new Error("stale");
