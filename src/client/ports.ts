import { ChatError } from "./errors.ts";

/** What the client needs of its environment. Tests and simulations can replace each part. */
export interface Ports {
  readonly open: OpenWire;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly clock: Clock;
  /** Returns a number from 0 to below 1, like `Math.random`. */
  readonly random: () => number;
  /** Returns a new UUID. */
  readonly uuid: () => string;
  /** Locks between tabs. If undefined, the client assumes that there are no other tabs. */
  readonly locks: Locks | undefined;
  /**
   * Calls back when the network may be back: on `online`, or when the page becomes visible. `isLost`: the network is gone, on
   * `offline`. Returns a function that stops it.
   */
  readonly onWake: (wake: (isLost?: boolean) => void) => () => void;
}

/** Opens a WebSocket. */
export type OpenWire = (url: string, protocols: string[], listener: WireListener) => Wire;

export interface WireListener {
  message(data: unknown): void;
  /** The socket ended, or could not be opened (1006). Called once, after `open` has returned. */
  closed(code: number, reason: string): void;
}

export interface Wire {
  send(text: string): void;
  close(code?: number): void;
}

/** All times are in milliseconds. */
export interface Clock {
  /** Returns the wall-clock time since 1970. */
  now(): number;
  /** Returns a time that never goes back. */
  monotonic(): number;
  /** Runs `task` once after `ms`. Returns a function that cancels it. */
  after(ms: number, task: () => void): () => void;
}

export interface Locks {
  request<T>(name: string, work: () => Promise<T>): Promise<T>;
}

/** A WebSocket class: a browser's, the one of `ws`, or the one of undici. */
export type WebSocketClass = new (url: string, protocols: string[]) => WebSocketLike;

export interface WebSocketLike extends Wire {
  // `any`, because each implementation has event classes of its own.
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
}

interface PortsOptions {
  readonly url: string;
  /** Replacements. */
  readonly ports?: Partial<Ports> | undefined;
  readonly webSocket?: WebSocketClass | undefined;
}

/**
 * Returns the ports of this runtime.
 * @throws {ChatError} `unsupported` if the runtime lacks what the client needs.
 */
export function portsOf({ url, ports, webSocket }: PortsOptions): Ports {
  const { AbortController, TextEncoder, URL, WebSocket, fetch } = globalThis;
  const has: Readonly<Record<string, unknown>> = {
    // A server that renders a page passes a relative url, and never connects.
    WebSocket: ports?.open || webSocket || WebSocket || !/^\w+:/.test(url),
    fetch: ports?.fetch || fetch,
    AbortController,
    TextEncoder,
    URL,
  };
  const missing = Object.keys(has).filter((name) => !has[name]);
  if (missing[0])
    throw new ChatError(
      "unsupported",
      `This runtime has no ${missing.join(" and no ")}. Add it, or pass it to createChat.`,
    );
  return { ...systemPorts(webSocket), ...ports };
}

const systemPorts = (webSocket: WebSocketClass | undefined): Ports => ({
  open: (url, protocols, listener) => {
    const socket: WebSocketLike = new (webSocket ?? WebSocket)(url, protocols);
    socket.onmessage = ({ data }: MessageEvent<unknown>) => listener.message(data);
    socket.onclose = ({ code, reason }: CloseEvent) => listener.closed(code, reason);
    socket.onerror = () => {}; // The close that follows says as much as a page may know.
    return socket;
  },
  fetch: (url, init) => fetch(url, init),
  clock: {
    now: Date.now,
    monotonic: () => (globalThis.performance ?? Date).now(),
    after(ms, task) {
      const timer = setTimeout(task, ms);
      return () => clearTimeout(timer);
    },
  },
  random: Math.random,
  uuid,
  locks: globalThis.navigator?.locks as Locks | undefined,
  onWake,
});

/**
 * Creates a UUID of version 7 (RFC 9562, section 5.7). It begins with the time, so ids differ even if a runtime has no
 * `crypto` and repeats the numbers of `Math.random` in each run. `crypto.randomUUID` exists only on secure pages.
 */
const uuid = () => {
  const time = Date.now().toString(16).padStart(12, "0");
  return "00000000-0000-7000-8000-000000000000".replace(/0/g, (_, at) => {
    const digit = time[at < 8 ? at : at - 1];
    const byte = globalThis.crypto?.getRandomValues(new Uint8Array(1))[0] ?? Math.random() * 256;
    return digit ?? (byte & 15).toString(16);
  });
};

function onWake(wake: (isLost?: boolean) => void): () => void {
  const page = globalThis.document as Document | undefined;
  const visible = () => page?.hidden || wake();
  const control = new AbortController();
  const { signal } = control;
  for (const type of ["online", "offline"])
    globalThis.addEventListener?.(type, () => wake(type === "offline"), { signal });
  page?.addEventListener("visibilitychange", visible, { signal });
  return () => control.abort();
}
