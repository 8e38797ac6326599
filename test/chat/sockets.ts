import type { Fanout, Format, Socket } from "../../src/chat/chat.ts";

type Frame = Record<string, unknown>;

/** What the runtime writes together at the end of a turn, at most: see ws/outgoing.ts. */
const HELD_BACK = { frames: 32, bytes: 16 * 1024 };

/**
 * A socket whose client reads only when the test says so or, if it is `prompt`, everything at once. `buffered` may leave
 * out what was published in the same turn, as with real sockets.
 */
export function createTestSocket({ prompt = false } = {}) {
  const topics = new Set<string>();
  const received: Frame[] = [];
  let waiting = 0;
  let most = 0;
  let closed: number | undefined;
  let held: number[] = [];
  const sum = () => held.reduce((total, bytes) => total + bytes, 0);
  const show = () => void (held = []);
  const put = (frame: string) => {
    received.push(JSON.parse(frame) as Frame);
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
    /** Everything that was written to it, in order. */
    received,
    show,
    published(frame: string) {
      const bytes = Buffer.byteLength(frame);
      if (held.length === HELD_BACK.frames || bytes >= HELD_BACK.bytes) show();
      if (bytes < HELD_BACK.bytes && !prompt) held.push(bytes);
      put(frame);
    },
    read: (bytes: number) => void (waiting = Math.max(0, waiting - bytes)),
    hidden: sum,
    /** High-water mark of the waiting bytes. */
    get most() {
      return most;
    },
    get closed() {
      return closed;
    },
    /** The versions (plain: the ids) of a room's messages, in the order of arrival. */
    versions: (room: string, format: Format = "v1") =>
      received
        .filter((frame) => frame.room === room && "clientId" in frame)
        .map((frame) => frame[format === "v1" ? "version" : "id"]),
    count: (type: string) => received.filter((frame) => frame.type === type).length,
    synced: (room: string) => received.some((frame) => frame.type === "synced" && frame.room === room),
  };
}

export type TestSocket = ReturnType<typeof createTestSocket>;

/** Publishes to test sockets as the runtime would. */
export const fanoutTo = (sockets: readonly TestSocket[]): Fanout => ({
  publish(topic, frame) {
    const subscribed = sockets.filter(({ topics }) => topics.has(topic));
    for (const each of subscribed) each.published(frame);
    return subscribed.some(({ socket }) => socket.buffered() > 0);
  },
  hidden: () => Math.max(...sockets.map(({ hidden }) => hidden())),
});
