import { shown } from "../../src/chat/codecs/encode.ts";
import type { Message } from "../../src/message.ts";
import type { ServerFrame } from "../../src/protocol/frames.ts";

type Frame<T extends ServerFrame["type"]> = Extract<ServerFrame, { type: T }>;
type MessageFrame = Frame<"message">;

/** A message as a client keeps it. */
export type Kept = ReturnType<typeof shown>;

/** A client's copy of a room, maintained by the rules of chat.v1. */
export interface Copy {
  readonly room: string;
  /** `joining`: a join was sent. `behind`: the server replays what is missing. */
  state: "out" | "joining" | "behind" | "live";
  /** The client wants to be in the room. */
  wanted: boolean;
  /** Whether a join is in flight (`once`), and another one has to follow it (`again`). */
  asked: "no" | "once" | "again";
  readonly version: number;
  /** It has everything from this message on. */
  readonly oldest: number;
  readonly messages: ReadonlyMap<number, Kept>;
  /** Changes when the copy is dropped: replies to earlier requests do not apply to the new one. */
  readonly generation: number;
  /** The position to resume from, as `since`. */
  position(): { epoch: string; version: number } | undefined;
  joined(frame: Frame<"joined">): void;
  /** Returns false if something is missing and the client has to join again. */
  message(frame: MessageFrame | Frame<"notice">): boolean;
  synced(frame: Frame<"synced">): void;
  /** Adds a page of history before `oldest`. */
  page(messages: readonly Kept[], more: boolean): void;
}

export function createCopy(room: string): Copy {
  let epoch: string | undefined;
  let version = 0;
  let oldest = 1;
  let generation = 0;
  const messages = new Map<number, Kept>();

  const keep = (message: Kept) => {
    if ((messages.get(message.id)?.version ?? 0) < message.version) messages.set(message.id, message);
  };

  const copy: Copy = {
    room,
    state: "out",
    wanted: true,
    asked: "no",
    get version() {
      return version;
    },
    get oldest() {
      return oldest;
    },
    get generation() {
      return generation;
    },
    messages,
    position: () => (epoch === undefined ? undefined : { epoch, version }),
    joined(frame) {
      copy.state = "behind";
      if (frame.resumed) return;
      messages.clear();
      generation++;
      ({ epoch, version } = frame);
      oldest = version + 1;
    },
    message(frame) {
      if (frame.version <= version) return true;
      if (frame.replay !== true && frame.prev !== version) return false;
      version = frame.version;
      if (frame.type === "message") keep(frame);
      return true;
    },
    synced(frame) {
      version = frame.version;
      copy.state = "live";
    },
    page(found, more) {
      for (const message of found) keep(message);
      oldest = more ? (found[0]?.id ?? oldest) : 1;
    },
  };
  return copy;
}

/** Returns how a copy at rest differs from the room from a message on; undefined if it does not. */
export function difference(
  copy: Copy,
  messages: ReadonlyMap<number, Message>,
  from: number,
): string | undefined {
  let seen = 0;
  for (const [id, message] of messages) {
    if (id < from || message.notice) continue;
    seen++;
    const kept = copy.messages.get(id);
    if (!kept || !sameMessage(shown(message), kept))
      return `.${id} is ${kept?.version}, not ${message.version}, or not the same`;
  }
  // From an earlier time in the room, a client may have messages that it could not load any more.
  return copy.messages.keys().reduce((sum, id) => sum + (id < from ? 0 : 1), 0) === seen
    ? undefined
    : " has more messages";
}

/** Whether a frame shows a message as the database has it. */
export const sameMessage = (written: Kept, frame: Kept | MessageFrame) =>
  written.id === frame.id &&
  written.version === frame.version &&
  written.username === frame.username &&
  Bun.deepEquals(written.user, frame.user) &&
  written.content === frame.content &&
  written.timestamp === frame.timestamp &&
  written.clientId === frame.clientId &&
  JSON.stringify(written.data) === JSON.stringify(frame.data) &&
  written.replyTo === frame.replyTo &&
  written.thread === frame.thread &&
  written.alsoRoom === frame.alsoRoom &&
  written.editedAt === frame.editedAt &&
  written.deletedAt === frame.deletedAt &&
  Bun.deepEquals(written.files, frame.files) &&
  Bun.deepEquals(written.reactions, frame.reactions);
