import type { Server, ServerWebSocket } from "bun";
import type { Clock } from "../clock.ts";
import type { Fanout, Socket } from "../chat/ports.ts";
import type { SocketData } from "./door.ts";

/** How long a closed socket may take to say goodbye before it is cut, in milliseconds. */
const GOODBYE_MS = 5_000;

/**
 * What leaves this process. Frames to one socket are gathered within a turn and written together: outside of its own
 * handlers each `ws.send` is a system call, which costs more than all else about an acknowledgement.
 */
export interface Outgoing extends Fanout {
  /** A socket of Bun's as chat/ needs it. */
  socket(ws: ServerWebSocket<SocketData>): Socket;
}

export function createOutgoing(server: () => Server<SocketData>, clock: Clock): Outgoing {
  let gathered: GatheringSocket[] = [];

  const flush = () => {
    const sockets = gathered;
    gathered = [];
    for (const socket of sockets) socket.flush();
  };
  const gather = (socket: GatheringSocket) => {
    if (gathered.push(socket) === 1) queueMicrotask(flush);
  };

  return {
    socket: (ws) => new GatheringSocket(ws, clock, gather),
    publish(topic, frame) {
      // Bun keeps the order of its own calls: what was sent before goes before.
      if (gathered.length > 0) flush();
      // Uncompressed: compressing once for each publish costs more than it saves on small frames.
      // -1: a subscriber has bytes waiting; 0: one was cut, or there is none.
      return server().publish(topic, frame, false) <= 0;
    },
  };
}

const NONE: string[] = [];

/** A class, because there are as many as there are sockets: its functions are shared. */
class GatheringSocket implements Socket {
  readonly #ws: ServerWebSocket<SocketData>;
  readonly #clock: Clock;
  readonly #gather: (socket: GatheringSocket) => void;
  #frames = NONE;
  #bytes = 0;

  constructor(ws: ServerWebSocket<SocketData>, clock: Clock, gather: (socket: GatheringSocket) => void) {
    this.#ws = ws;
    this.#clock = clock;
    this.#gather = gather;
  }

  send(frame: string) {
    if (this.#frames === NONE) {
      this.#frames = [];
      this.#gather(this);
    }
    this.#frames.push(frame);
    this.#bytes += Buffer.byteLength(frame);
  }

  flush() {
    const frames = this.#frames;
    this.#frames = NONE;
    this.#bytes = 0;
    const [only] = frames;
    if (frames.length === 1 && only !== undefined) this.#ws.send(only);
    else if (frames.length > 1)
      this.#ws.cork(() => {
        for (const frame of frames) this.#ws.send(frame);
      });
  }

  buffered() {
    return this.#ws.getBufferedAmount() + this.#bytes;
  }

  subscribe(topic: string) {
    this.flush();
    this.#ws.subscribe(topic);
  }

  unsubscribe(topic: string) {
    this.flush();
    this.#ws.unsubscribe(topic);
  }

  pause() {
    this.#ws.pause();
  }

  resume() {
    this.#ws.resume();
  }

  close(code: number, reason: string) {
    this.flush();
    this.#ws.close(code, reason);
    // One that does not read never answers the close frame, which waits behind what it has not read.
    this.#clock.after(GOODBYE_MS, () => {
      if (this.#ws.readyState !== WebSocket.CLOSED) this.#ws.terminate();
    });
  }
}
