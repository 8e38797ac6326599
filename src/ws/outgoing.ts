import type { Server, ServerWebSocket } from "bun";
import type { Clock } from "../clock.ts";
import type { Fanout, Socket } from "../chat/chat.ts";

/** How long a closed socket may take to say goodbye before it is cut, in milliseconds. */
const GOODBYE_MS = 5_000;
/** So many subscribers of a topic are written to one by one; with more it is one of Bun's topics. */
const FEW = 4;
/** No more is gathered than this, in bytes: what has not left for want of room is to be told from what was not tried. */
const GATHERED_MAX = 64 * 1024;
/**
 * Of what is published in a turn Bun holds back, for each socket, up to so many frames of fewer bytes than these, and
 * writes them together. No document says so; a test watches it.
 */
const HELD_BACK = { frames: 32, bytes: 16 * 1024 } as const;

/**
 * What leaves this process. Frames to one socket are gathered within a turn and written together: each write is a
 * system call, which costs more than all else about an acknowledgement. The frames of a topic with few subscribers
 * are gathered too, so that a sender's acks and the messages of a small room are one write.
 */
export interface Outgoing extends Fanout {
  /** A socket of Bun's as chat/ needs it. */
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
      // Bun keeps the order of its own calls: what was sent before goes before.
      if (state.gathered.length > 0) flush();
      held.add(Buffer.byteLength(frame));
      // Uncompressed: compressing once for each publish costs more than it saves on small frames.
      // -1: a subscriber has bytes waiting; 0: one was cut, or there is none.
      return server().publish(topic, frame, false) <= 0;
    },
    hidden() {
      // What was gathered has left, or waits: who waits for nothing is to be told from who is slow.
      flush();
      return held.bytes();
    },
  };
}

/** What the runtime may hold back. It does so until after the turn's tasks: the turn before counts as well. */
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

/** Small frames of a turn: their bytes together, and of the longest. */
interface Frames {
  bytes: number;
  longest: number;
}

const NO_FRAMES: Frames = { bytes: 0, longest: 0 };

/** Who is subscribed to a topic. */
interface Audience {
  count: number;
  /** All of them; nothing where they are Bun's to write to, which they are from then on until they have all gone. */
  few: readonly GatheringSocket[] | undefined;
}

/** What all sockets of a process share. */
interface State {
  readonly clock: Clock;
  readonly audiences: Map<string, Audience>;
  /** Those that have frames to be written at the end of this turn. */
  gathered: GatheringSocket[];
  flush(): void;
}

const NONE: string[] = [];

/** A class, because there are as many as there are sockets: its functions are shared. */
class GatheringSocket implements Socket {
  readonly #ws: ServerWebSocket<unknown>;
  readonly #state: State;
  #frames = NONE;
  /** Bytes of these frames; and of what the runtime had not written yet when the first of them came. */
  #bytes = 0;
  #backlog = 0;

  constructor(ws: ServerWebSocket<unknown>, state: State) {
    this.#ws = ws;
    this.#state = state;
  }

  /** While frames are gathered: some of what was written before has not left yet. */
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
    // One that does not read never answers the close frame, which waits behind what it has not read.
    this.#state.clock.after(GOODBYE_MS, () => {
      if (this.#ws.readyState !== WebSocket.CLOSED) this.#ws.terminate();
    });
  }

  #subscribe(topic: string) {
    this.flush();
    this.#ws.subscribe(topic);
  }
}
