import type { Socket } from "bun";

/** One connection through the proxy. */
interface Pipe {
  readonly near: Socket<Pipe>;
  far?: Socket<Pipe>;
  /** Bytes from the client that the server has not taken yet, for example because the connection is not open. */
  waiting: Buffer;
  /** Bytes from the server while the connection is stalled. */
  readonly held: Buffer[];
  /** Bytes that the client has not taken yet. */
  backlog: Buffer;
  stalled: boolean;
}

/** What happens to bytes: pass them on, cut the connection at once, or cut it after the first `cutAfter` bytes. */
export type Fate = "pass" | "cut" | { readonly cutAfter: number };
/** Decides about passing bytes. Frames from the server are readable in `text`; frames from clients are masked. */
export type Rule = (text: string, size: number) => Fate;

/** A TCP proxy in front of a server that injects faults at the exact moment that a test chooses. */
export interface Proxy {
  readonly url: string;
  /** The number of open connections. */
  readonly open: number;
  /** The number of connections so far. */
  readonly total: number;
  /** The port that new connections lead to. */
  target: number;
  /** The rule for bytes to the server. */
  up: Rule;
  /** The rule for bytes from the server. */
  down: Rule;
  /** The delay of bytes from the server, in milliseconds. */
  delayMs: number;
  /** Cuts all connections. */
  cut(): void;
  /** Stops delivering bytes from the server on all open connections. */
  stall(): void;
  /** Stops reading from the server on all open connections, so that it notices a slow reader, or reads on. */
  pause(on: boolean): void;
  /** Whether to cut new connections as soon as they are accepted. */
  refuse: boolean;
  /** Accepts new connections, but leads them to the server only after `release`. */
  hold(): void;
  release(): void;
  stop(): void;
}

export function startProxy(target: number): Proxy {
  const pipes = new Set<Pipe>();
  let total = 0;
  let paused = false;
  let held: (() => void)[] | undefined;

  const end = (pipe: Pipe) => {
    if (!pipes.delete(pipe)) return;
    pipe.near.terminate();
    pipe.far?.terminate();
  };

  const pass = (pipe: Pipe, rule: Rule, bytes: Buffer, to: (bytes: Buffer) => void) => {
    if (!pipes.has(pipe)) return;
    const fate = rule(bytes.toString("latin1"), bytes.length);
    if (fate === "pass") return to(bytes);
    if (fate === "cut") return end(pipe);
    to(bytes.subarray(0, fate.cutAfter));
    pipes.delete(pipe);
    pipe.near.end(); // so that the passed bytes still arrive
    pipe.far?.terminate();
  };

  /** Writes to the server, and reads no more from the client until the server has taken it. */
  const forward = (pipe: Pipe, bytes: Buffer) => {
    pipe.waiting = pipe.waiting.length > 0 ? Buffer.concat([pipe.waiting, bytes]) : bytes;
    if (!pipe.far) return;
    pipe.waiting = pipe.waiting.subarray(Math.max(0, pipe.far.write(pipe.waiting)));
    if (pipe.waiting.length > 0) pipe.near.pause();
    else pipe.near.resume();
  };

  /** Writes to the client, and reads no more from the server until the client has taken it. */
  const deliver = (pipe: Pipe, bytes: Buffer) => {
    pipe.backlog = pipe.backlog.length > 0 ? Buffer.concat([pipe.backlog, bytes]) : bytes;
    pipe.backlog = pipe.backlog.subarray(Math.max(0, pipe.near.write(pipe.backlog)));
    if (pipe.backlog.length > 0) pipe.far?.pause();
    else if (!paused) pipe.far?.resume();
  };

  const connect = (pipe: Pipe) => {
    if (!pipes.has(pipe)) return;
    Bun.connect<Pipe>({
      hostname: "127.0.0.1",
      port: proxy.target,
      socket: {
        open(far) {
          far.data = pipe;
          pipe.far = far;
          if (!pipes.has(pipe)) return void far.terminate();
          forward(pipe, Buffer.alloc(0));
        },
        data(_, chunk) {
          const bytes = Buffer.from(chunk);
          const arrive = () =>
            pass(
              pipe,
              proxy.down,
              bytes,
              (some) => void (pipe.stalled ? pipe.held.push(some) : deliver(pipe, some)),
            );
          if (proxy.delayMs > 0) setTimeout(arrive, proxy.delayMs);
          else arrive();
        },
        drain: () => forward(pipe, Buffer.alloc(0)),
        close: () => end(pipe),
        error: () => end(pipe),
      },
    }).catch(() => end(pipe));
  };

  const listener = Bun.listen<Pipe>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(near) {
        const pipe: Pipe = {
          near,
          waiting: Buffer.alloc(0),
          held: [],
          backlog: Buffer.alloc(0),
          stalled: false,
        };
        near.data = pipe;
        total++;
        if (proxy.refuse) return void near.terminate();
        pipes.add(pipe);
        if (held) held.push(() => connect(pipe));
        else connect(pipe);
      },
      data({ data: pipe }, chunk) {
        pass(pipe, proxy.up, Buffer.from(chunk), (bytes) => forward(pipe, bytes));
      },
      drain: ({ data: pipe }) => deliver(pipe, Buffer.alloc(0)),
      close: ({ data: pipe }) => end(pipe),
      error: ({ data: pipe }) => end(pipe),
    },
  });
  const proxy: Proxy = {
    url: `http://127.0.0.1:${listener.port}`,
    get open() {
      return pipes.size;
    },
    get total() {
      return total;
    },
    target,
    up: () => "pass",
    down: () => "pass",
    delayMs: 0,
    refuse: false,
    cut: () => [...pipes].forEach(end),
    stall() {
      for (const pipe of pipes) pipe.stalled = true;
    },
    hold: () => void (held ??= []),
    release() {
      const waiting = held ?? [];
      held = undefined;
      for (const connect of waiting) connect();
    },
    pause(on) {
      paused = on;
      for (const { far } of pipes) on ? far?.pause() : far?.resume();
    },
    stop() {
      proxy.cut();
      listener.stop(true);
    },
  };
  return proxy;
}

/** Returns a rule that applies once, when the text passes for the `nth` time. */
export function once(text: string, fate: Fate | ((text: string) => Fate), nth = 1) {
  let left = nth;
  const rule = (seen: string): Fate => {
    if (left === 0 || !seen.includes(text)) return "pass";
    if (--left > 0) return "pass";
    return typeof fate === "function" ? fate(seen) : fate;
  };
  return Object.assign(rule, { met: () => left === 0 });
}
