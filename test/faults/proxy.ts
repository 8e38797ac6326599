import type { Socket } from "bun";

/** One connection through the proxy: the client's side and the server's. */
interface Pipe {
  readonly near: Socket<Pipe>;
  far?: Socket<Pipe>;
  /** Bytes that one side has not accepted yet. While there are any, the other side is not read. */
  readonly toFar: Buffer[];
  readonly toNear: Buffer[];
  /** Bytes from the server that a delay holds back. */
  readonly late: Buffer[];
  stalled: boolean;
  ended: boolean;
}

/** A TCP proxy in front of a server that simulates network faults. */
export interface Proxy {
  readonly port: number;
  readonly open: number;
  /** Cuts about this share of the connections on both sides and returns their number. */
  cut(share: number): number;
  /** Stops reading from the server on about this share of the connections and returns their number. */
  stall(share: number): number;
  /** Ends all stalls. */
  resume(): void;
  /** Delays bytes from the server by this many milliseconds and keeps their order. */
  delay(ms: number): void;
  stop(): void;
}

export function startProxy(target: number): Proxy {
  const pipes = new Set<Pipe>();
  let delayMs = 0;

  const end = (pipe: Pipe, how: "end" | "terminate" = "end") => {
    if (pipe.ended) return;
    pipe.ended = true;
    pipes.delete(pipe);
    pipe.near[how]();
    pipe.far?.[how]();
  };

  const flow = (pipe: Pipe) => {
    if (pipe.ended) return;
    if (pipe.stalled || pipe.toNear.length > 0) pipe.far?.pause();
    else pipe.far?.resume();
    if (pipe.toFar.length > 0) pipe.near.pause();
    else pipe.near.resume();
  };

  /** Writes as much as the socket takes; the rest waits for `drain`. */
  const write = (pipe: Pipe, socket: Socket<Pipe> | undefined, queue: Buffer[]) => {
    while (socket && queue[0] && !pipe.ended) {
      const written = Math.max(0, socket.write(queue[0]));
      if (written < queue[0].length) {
        queue[0] = queue[0].subarray(written);
        break;
      }
      queue.shift();
    }
    flow(pipe);
  };

  const toNear = (pipe: Pipe, bytes: Buffer) => {
    pipe.toNear.push(bytes);
    write(pipe, pipe.near, pipe.toNear);
  };

  const listener = Bun.listen<Pipe>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(near) {
        const pipe: Pipe = { near, toFar: [], toNear: [], late: [], stalled: false, ended: false };
        near.data = pipe;
        pipes.add(pipe);
        void Bun.connect<Pipe>({
          hostname: "127.0.0.1",
          port: target,
          socket: {
            open(far) {
              far.data = pipe;
              pipe.far = far;
              if (pipe.ended) far.terminate();
              else write(pipe, far, pipe.toFar);
            },
            data(_, bytes) {
              if (delayMs === 0 && pipe.late.length === 0) return toNear(pipe, Buffer.from(bytes));
              pipe.late.push(Buffer.from(bytes));
              // Each timer releases the oldest bytes, which keeps the order even if the delay changes.
              setTimeout(() => toNear(pipe, pipe.late.shift() ?? Buffer.alloc(0)), delayMs);
            },
            drain: (far) => write(pipe, far, pipe.toFar),
            close: () => end(pipe),
            error: () => end(pipe),
          },
        }).catch(() => end(pipe));
      },
      data({ data: pipe }, bytes) {
        pipe.toFar.push(Buffer.from(bytes));
        write(pipe, pipe.far, pipe.toFar);
      },
      drain: (near) => write(near.data, near, near.data.toNear),
      close: ({ data: pipe }) => end(pipe),
      error: ({ data: pipe }) => end(pipe),
    },
  });

  const some = (share: number) => [...pipes].filter(() => Math.random() < share);

  return {
    port: listener.port,
    get open() {
      return pipes.size;
    },
    cut(share) {
      const chosen = some(share);
      for (const pipe of chosen) end(pipe, "terminate");
      return chosen.length;
    },
    stall(share) {
      const chosen = some(share);
      for (const pipe of chosen) {
        pipe.stalled = true;
        flow(pipe);
      }
      return chosen.length;
    },
    resume() {
      for (const pipe of pipes) {
        pipe.stalled = false;
        flow(pipe);
      }
    },
    delay: (ms) => void (delayMs = ms),
    stop() {
      for (const pipe of [...pipes]) end(pipe, "terminate");
      listener.stop(true);
    },
  };
}
