import type { Socket } from "bun";

/** One connection through the proxy. */
interface Pipe {
  readonly near: Socket<Pipe>;
  far?: Socket<Pipe>;
  /** From the client, before the server's side is open. */
  readonly early: Buffer[];
  /** From the server, while it is stalled. */
  readonly held: Buffer[];
  stalled: boolean;
}

/** What becomes of bytes: they go on, only some of them do before the connection is cut, or it is cut at once. */
export type Fate = "pass" | "cut" | { readonly cutAfter: number };
/** Looks at what goes by. A server's frames can be read in it; a client's are masked. */
export type Rule = (text: string, size: number) => Fate;

/** A TCP proxy before a server that does what a test says, at the moment that it says. */
export interface Proxy {
  readonly url: string;
  /** How many connections there are, and have been. */
  readonly open: number;
  readonly total: number;
  /** Where new connections lead to. */
  target: number;
  /** For what goes to the server, and for what comes from it. */
  up: Rule;
  down: Rule;
  /** What comes from the server arrives this much later. */
  delayMs: number;
  /** Cuts all connections. */
  cut(): void;
  /** Nothing comes from the server any more over the connections that there are. */
  stall(): void;
  /** New connections are accepted and cut. */
  refuse: boolean;
  stop(): void;
}

export function startProxy(target: number): Proxy {
  const pipes = new Set<Pipe>();
  let total = 0;

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
    pipe.near.end(); // what was let through arrives
    pipe.far?.terminate();
  };

  const write = (socket: Socket<Pipe>, bytes: Buffer) => {
    // What goes through here in tests is small: it fits what the system takes at once.
    if (socket.write(bytes) !== bytes.length) throw new Error("the proxy cannot keep up");
  };

  const listener = Bun.listen<Pipe>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(near) {
        const pipe: Pipe = { near, early: [], held: [], stalled: false };
        near.data = pipe;
        total++;
        if (proxy.refuse) return void near.terminate();
        pipes.add(pipe);
        Bun.connect<Pipe>({
          hostname: "127.0.0.1",
          port: proxy.target,
          socket: {
            open(far) {
              far.data = pipe;
              pipe.far = far;
              if (!pipes.has(pipe)) return void far.terminate();
              for (const bytes of pipe.early) write(far, bytes);
            },
            data(_, chunk) {
              const bytes = Buffer.from(chunk);
              const deliver = () =>
                pass(
                  pipe,
                  proxy.down,
                  bytes,
                  (some) => void (pipe.stalled ? pipe.held.push(some) : write(pipe.near, some)),
                );
              if (proxy.delayMs > 0) setTimeout(deliver, proxy.delayMs);
              else deliver();
            },
            close: () => end(pipe),
            error: () => end(pipe),
          },
        }).catch(() => end(pipe));
      },
      data({ data: pipe }, chunk) {
        pass(pipe, proxy.up, Buffer.from(chunk), (bytes) =>
          pipe.far ? write(pipe.far, bytes) : void pipe.early.push(bytes),
        );
      },
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
    stop() {
      proxy.cut();
      listener.stop(true);
    },
  };
  return proxy;
}

/** A rule that holds once: at the `nth` time that what goes by has this text in it. */
export function once(text: string, fate: Fate | ((text: string) => Fate), nth = 1) {
  let left = nth;
  const rule = (seen: string): Fate => {
    if (left === 0 || !seen.includes(text)) return "pass";
    if (--left > 0) return "pass";
    return typeof fate === "function" ? fate(seen) : fate;
  };
  return Object.assign(rule, { met: () => left === 0 });
}
