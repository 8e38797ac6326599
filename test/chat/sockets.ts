import type { Format } from "../../src/chat/codecs/encode.ts";
import type { Fanout, Socket } from "../../src/chat/ports.ts";

type Frame = Record<string, unknown>;

/** How the runtime writes: see ws/outgoing.ts. */
const HELD_BACK = { frames: 32, bytes: 16 * 1024 };

/**
 * A socket whose client reads as much as it is told to; `prompt`: all that comes. What was published in a turn it may not
 * show before the next.
 */
export function createTestSocket({ prompt = false } = {}) {
  const topics = new Set<string>();
  const heard: Frame[] = [];
  let waiting = 0;
  let most = 0;
  let closed: number | undefined;
  let held: number[] = [];
  const sum = () => held.reduce((total, bytes) => total + bytes, 0);
  const show = () => void (held = []);
  const put = (frame: string) => {
    heard.push(JSON.parse(frame) as Frame);
    if (prompt) return;
    waiting += Buffer.byteLength(frame);
    most = Math.max(most, waiting);
  };
  const socket: Socket = {
    send(frame) {
      show();
      put(frame);
    },
    buffered: () => waiting - sum(),
    subscribe: (topic) => void topics.add(topic),
    unsubscribe: (topic) => void topics.delete(topic),
    pause() {},
    resume() {},
    close: (code) => void (closed = code),
  };
  return {
    socket,
    topics,
    /** All that was written to it, in order. */
    heard,
    show,
    published(frame: string) {
      const bytes = Buffer.byteLength(frame);
      if (held.length === HELD_BACK.frames || bytes >= HELD_BACK.bytes) show();
      if (bytes < HELD_BACK.bytes && !prompt) held.push(bytes);
      put(frame);
    },
    read: (bytes: number) => void (waiting = Math.max(0, waiting - bytes)),
    hidden: sum,
    /** The most bytes that ever waited. */
    get most() {
      return most;
    },
    get closed() {
      return closed;
    },
    /** The versions (plain: the ids) of a room's messages, as they came. */
    versions: (room: string, format: Format = "v1") =>
      heard
        .filter((frame) => frame.room === room && "clientId" in frame)
        .map((frame) => frame[format === "v1" ? "version" : "id"]),
    count: (type: string) => heard.filter((frame) => frame.type === type).length,
    synced: (room: string) => heard.some((frame) => frame.type === "synced" && frame.room === room),
  };
}

export type TestSocket = ReturnType<typeof createTestSocket>;

/** What publishes to them as the runtime does. */
export const fanoutTo = (sockets: readonly TestSocket[]): Fanout => ({
  publish(topic, frame) {
    const subscribed = sockets.filter(({ topics }) => topics.has(topic));
    for (const each of subscribed) each.published(frame);
    return subscribed.some(({ socket }) => socket.buffered() > 0);
  },
  hidden: () => Math.max(...sockets.map(({ hidden }) => hidden())),
});
