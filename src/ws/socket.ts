import type { Server, ServerWebSocket } from "bun";
import type { Chat } from "../chat/chat.ts";
import type { Connection } from "../chat/connection.ts";
import type { Fanout, Socket } from "../chat/ports.ts";
import type { Clock } from "../clock.ts";
import type { Refusal } from "../errors.ts";
import type { Identity } from "../identity.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { Position } from "../protocol/frames.ts";

/** What Bun keeps with a socket for us. */
export interface SocketData {
  readonly chat: Chat;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly format: "v1" | "plain";
  readonly room: string | undefined;
  readonly since: Position | undefined;
  /** Who it is, or why it is to be closed as soon as it is open. */
  readonly identity: Identity | Refusal;
  readonly opened: number;
  connection?: Connection | undefined;
}

/** How long a closed socket may take to say goodbye before it is cut, in milliseconds. */
const GOODBYE_MS = 5_000;

/** A socket of Bun's as chat/ needs it. */
export function createSocket(ws: ServerWebSocket<SocketData>): Socket {
  return {
    send: (frame) => void ws.send(frame),
    buffered: () => ws.getBufferedAmount(),
    subscribe: (topic) => void ws.subscribe(topic),
    unsubscribe: (topic) => void ws.unsubscribe(topic),
    pause: () => void ws.pause(),
    resume: () => void ws.resume(),
    close(code, reason) {
      ws.close(code, reason);
      // One that does not read never answers the close frame, which waits behind what it has not read.
      ws.data.clock.after(GOODBYE_MS, () => {
        if (ws.readyState !== WebSocket.CLOSED) ws.terminate();
      });
    },
  };
}

/** Bun's topics. Uncompressed: compressing once for each publish costs more than it saves on small frames. */
export const createFanout = (server: () => Server<SocketData>): Fanout => ({
  // -1: a subscriber has bytes waiting; 0: one was cut, or there is none.
  publish: (topic, frame) => server().publish(topic, frame, false) <= 0,
});
