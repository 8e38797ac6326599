import type { ServerWebSocket } from "bun";

export type Frame = Readonly<Record<string, unknown>>;
/** What happens to a frame: these are passed on in its place, or the connection is cut. */
export type Fate = readonly Frame[] | "cut";

/** A frame that arrived at the gateway. */
export interface Passed {
  readonly way: "up" | "down";
  /** The number of the connection, from 1. */
  readonly link: number;
  /** When, in milliseconds. */
  readonly at: number;
  readonly frame: Frame;
}

/** A connection that a client opened. */
export interface Opened {
  readonly at: number;
  readonly token: string | undefined;
}

interface Link {
  readonly number: number;
  readonly protocols: string;
  readonly far: WebSocket;
  /** Frames from before the server's socket is open. */
  readonly early: string[];
}

/** Stands between clients and a server and reads, changes, drops and adds frames, which a TCP proxy cannot do. */
export interface Gateway {
  readonly port: number;
  /** Every frame so far, in order. */
  readonly frames: readonly Passed[];
  readonly opened: readonly Opened[];
  /** Decides about frames to the server. */
  up: (frame: Frame) => Fate;
  /** Decides about frames from the server. */
  down: (frame: Frame) => Fate;
  /** Returns the response that refuses a handshake, or undefined. */
  handshake: () => Response | undefined;
  /** Sends a frame to the newest client. */
  say(frame: Frame): void;
  /** Closes the newest client's socket with this code. */
  close(code: number, reason?: string): void;
  stop(): Promise<void>;
}

export function startGateway(server: { readonly url: string; readonly wsUrl: string }): Gateway {
  const frames: Passed[] = [];
  const opened: Opened[] = [];
  let newest: ServerWebSocket<Link> | undefined;

  const pass = (near: ServerWebSocket<Link>, way: Passed["way"], text: string) => {
    if (near.readyState !== WebSocket.OPEN) return;
    const { number: link, far, early } = near.data;
    const frame = JSON.parse(text) as Frame;
    frames.push({ way, link, at: performance.now(), frame });
    const fate = gateway[way](frame);
    if (fate === "cut") return near.terminate();
    for (const one of fate) {
      const sent = JSON.stringify(one);
      if (way === "down") near.sendText(sent);
      else if (far.readyState === WebSocket.OPEN) far.send(sent);
      else early.push(sent);
    }
  };

  const listener = Bun.serve<Link>({
    hostname: "127.0.0.1",
    port: 0,
    reusePort: false,
    async fetch(request, self) {
      const { pathname, search } = new URL(request.url);
      const headers = new Headers(request.headers);
      if (headers.get("upgrade")?.toLowerCase() !== "websocket") {
        headers.delete("host");
        return fetch(server.url + pathname + search, {
          method: request.method,
          headers,
          body: request.body && (await request.arrayBuffer()),
        });
      }
      const offered = headers.get("sec-websocket-protocol") ?? "";
      const protocols = offered.split(",").map((one) => one.trim());
      const token =
        headers.get("authorization")?.replace("Bearer ", "") ??
        protocols.find((one) => one.startsWith("bearer."))?.slice("bearer.".length);
      opened.push({ at: performance.now(), token });
      const refusal = gateway.handshake();
      if (refusal) return refusal;
      const far = new WebSocket(server.wsUrl + pathname + search, ["chat.v1", `bearer.${token}`]);
      const data: Link = { number: opened.length, protocols: offered, far, early: [] };
      if (self.upgrade(request, { data, headers: { "sec-websocket-protocol": "chat.v1" } })) return;
      far.close();
      return new Response(null, { status: 400 });
    },
    websocket: {
      maxPayloadLength: 1 << 20,
      open(near) {
        newest = near;
        const { far, early } = near.data;
        far.onopen = () => early.splice(0).forEach((text) => far.send(text));
        far.onmessage = ({ data }) => pass(near, "down", String(data));
        far.onclose = ({ code, reason }) =>
          code === 1006 || code === 1005 ? near.terminate() : near.close(code, reason);
      },
      message: (near, text) => pass(near, "up", String(text)),
      close: ({ data: { far } }) => far.close(),
    },
  });

  const gateway: Gateway = {
    port: listener.port as number,
    frames,
    opened,
    handshake: () => undefined,
    up: (frame) => [frame],
    down: (frame) => [frame],
    say: (frame) => void newest?.sendText(JSON.stringify(frame)),
    close: (code, reason) => newest?.close(code, reason),
    stop: () => listener.stop(true),
  };
  return gateway;
}
