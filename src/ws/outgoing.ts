import type { Server, ServerWebSocket } from "bun";
import type { Clock } from "../clock.ts";
import type { Fanout, Socket } from "../chat/chat.ts";

/** Time that a closing socket has for the close handshake before it is terminated, in milliseconds. */
const GOODBYE_MS = 5_000;
/**
 * A topic with up to this many subscribers is written socket by socket. A larger one becomes one of Bun's
 * topics.
 */
const FEW = 4;
/** A socket's gathered frames are flushed beyond this, in bytes, so that they do not pass for its backlog. */
const GATHERED_MAX = 64 * 1024;
/**
 * Bun holds back up to `frames` frames that are published in one turn to a socket, if each is smaller than
 * `bytes`, and writes them together. This is undocumented; a test verifies it.
 */
const HELD_BACK = { frames: 32, bytes: 16 * 1024 } as const;

/**
 * Outgoing frames. Frames to one socket are gathered within a turn and written together, because each write
 * is a system call, the largest cost of an acknowledgement. Frames of a topic with few subscribers are
 * gathered too, so that a sender's acks and the messages of a small room share one write.
 */
export interface Outgoing extends Fanout {
  /** Wraps one of Bun's sockets for chat/. */
  socket(ws: ServerWebSocket<unknown>): Socket;
}

export function createOutgoing(server: () => Server<unknown>, clock: Clock): Outgoing {
  const state: State = { clock, audiences: new Map(), gathered: [], flush };
  const held = createHeld(clock);

  function flush() {
    const sockets = state.gathered;
    state.gathered = [];
    for (const socket of sockets) socket.flush();
  }

  return {
    socket: (ws) => new GatheringSocket(ws, state),
    publish(topic, frame) {
      const few = state.audiences.get(topic)?.few;
      if (few) {
        for (const socket of few) socket.send(frame);
        return few.some((socket) => socket.isBehind);
      }
      // Bun keeps the order of its own calls, so frames that were sent earlier have to be written first.
      if (state.gathered.length > 0) flush();
      held.add(Buffer.byteLength(frame));
      // Uncompressed: compressing every publish costs more than it saves on small frames.
      // -1: a subscriber has a backlog. 0: a subscriber was cut, or there is none.
      return server().publish(topic, frame, false) <= 0;
    },
    hidden() {
      // Write gathered frames first, so that a prompt reader is not taken for a slow one.
      flush();
      return held.bytes();
    },
  };
}

/**
 * Upper bound of the bytes that Bun holds back. It writes them after the turn's tasks, so the previous turn
 * counts too.
 */
function createHeld(clock: Clock) {
  let now: Frames = NO_FRAMES;
  let before = NO_FRAMES;

  const endTurn = () => {
    before = now;
    now = NO_FRAMES;
    if (before !== NO_FRAMES) clock.soon(endTurn);
  };

  return {
    add(bytes: number) {
      if (bytes >= HELD_BACK.bytes) return;
      if (now === NO_FRAMES) {
        if (before === NO_FRAMES) clock.soon(endTurn);
        now = { bytes: 0, longest: 0 };
      }
      now.bytes += bytes;
      now.longest = Math.max(now.longest, bytes);
    },
    bytes: () => Math.min(now.bytes + before.bytes, HELD_BACK.frames * Math.max(now.longest, before.longest)),
  };
}

/** Small frames of one turn: their total bytes and the bytes of the longest. */
interface Frames {
  bytes: number;
  longest: number;
}

const NO_FRAMES: Frames = { bytes: 0, longest: 0 };

/** The subscribers of a topic. */
interface Audience {
  count: number;
  /** All subscribers, or undefined once Bun's topic serves them. It does so until the last one has left. */
  few: readonly GatheringSocket[] | undefined;
}

/** State shared by all sockets of this process. */
interface State {
  readonly clock: Clock;
  readonly audiences: Map<string, Audience>;
  /** Sockets with frames to write at the end of this turn. */
  gathered: GatheringSocket[];
  flush(): void;
}

const NONE: string[] = [];

/** A class, so that the instances, one per socket, share their methods. */
class GatheringSocket implements Socket {
  readonly #ws: ServerWebSocket<unknown>;
  readonly #state: State;
  #frames = NONE;
  /** Bytes of the gathered frames. */
  #bytes = 0;
  /** Bytes that the runtime had not written yet when the first of these frames was gathered. */
  #backlog = 0;

  constructor(ws: ServerWebSocket<unknown>, state: State) {
    this.#ws = ws;
    this.#state = state;
  }

  /** Whether earlier bytes still wait to be written. Valid while frames are gathered. */
  get isBehind() {
    return this.#backlog > 0;
  }

  send(frame: string) {
    if (this.#frames === NONE) {
      this.#frames = [];
      this.#bytes = 0;
      this.#backlog = this.#ws.getBufferedAmount();
      if (this.#state.gathered.push(this) === 1) queueMicrotask(this.#state.flush);
    }
    this.#frames.push(frame);
    this.#bytes += Buffer.byteLength(frame);
    if (this.#bytes > GATHERED_MAX) this.flush();
  }

  flush() {
    const frames = this.#frames;
    this.#frames = NONE;
    const [only] = frames;
    if (frames.length === 1 && only !== undefined) this.#ws.send(only);
    else if (frames.length > 1)
      this.#ws.cork(() => {
        for (const frame of frames) this.#ws.send(frame);
      });
  }

  buffered() {
    return this.#frames === NONE ? this.#ws.getBufferedAmount() : this.#backlog + this.#bytes;
  }

  subscribe(topic: string) {
    const { audiences } = this.#state;
    const audience = audiences.getOrInsertComputed(topic, () => ({ count: 0, few: [] }));
    audience.count++;
    if (audience.few && audience.count <= FEW) audience.few = [...audience.few, this];
    else {
      for (const other of audience.few ?? []) other.#subscribe(topic);
      audience.few = undefined;
      this.#subscribe(topic);
    }
  }

  unsubscribe(topic: string) {
    const { audiences } = this.#state;
    const audience = audiences.get(topic);
    if (!audience) return;
    if (--audience.count === 0) audiences.delete(topic);
    if (audience.few) audience.few = audience.few.filter((other) => other !== this);
    else {
      this.flush();
      this.#ws.unsubscribe(topic);
    }
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
    // A client that does not read never responds to the close frame, which waits behind its backlog.
    this.#state.clock.after(GOODBYE_MS, () => {
      if (this.#ws.readyState !== WebSocket.CLOSED) this.#ws.terminate();
    });
  }

  #subscribe(topic: string) {
    this.flush();
    this.#ws.subscribe(topic);
  }
}
