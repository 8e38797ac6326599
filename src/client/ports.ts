/** What the client needs of the place that it runs in. Each can be given, so that a test or a simulation decides it. */
export interface Ports {
  readonly open: OpenWire;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly clock: Clock;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** A new UUID. */
  readonly uuid: () => string;
  /** One tab at a time; without it there are no other tabs. */
  readonly locks: Locks | undefined;
  /** Calls back when the network may be there again: `online`, or the page becomes visible. The answer ends it. */
  readonly onWake: (wake: () => void) => () => void;
}

/** Opens a WebSocket. */
export type OpenWire = (url: string, protocols: string[], listener: WireListener) => Wire;

export interface WireListener {
  message(data: unknown): void;
  /** It has ended, or could not be opened (1006). Called once, and never before the wire was handed out. */
  closed(code: number, reason: string): void;
}

export interface Wire {
  send(text: string): void;
  close(code?: number): void;
}

/** Milliseconds throughout. */
export interface Clock {
  /** Wall-clock time since 1970. */
  now(): number;
  /** Time that only rises. */
  monotonic(): number;
  /** Runs `task` once after `ms`; the answer cancels it. */
  after(ms: number, task: () => void): () => void;
}

export interface Locks {
  request<T>(name: string, work: () => Promise<T>): Promise<T>;
}

/** The ports of a browser, of Bun and of Node. */
export const systemPorts = (): Ports => ({
  open: openWebSocket,
  fetch: (url, init) => fetch(url, init),
  clock: {
    now: Date.now,
    monotonic: () => performance.now(),
    after(ms, task) {
      const timer = setTimeout(task, ms);
      return () => clearTimeout(timer);
    },
  },
  random: Math.random,
  uuid: randomUuid,
  locks: globalThis.navigator?.locks as Locks | undefined,
  onWake,
});

const openWebSocket: OpenWire = (url, protocols, listener) => {
  const socket = new WebSocket(url, protocols);
  socket.onmessage = ({ data }) => listener.message(data);
  socket.onclose = ({ code, reason }) => listener.closed(code, reason);
  socket.onerror = () => {}; // The close that follows says as much as a page may know.
  return socket;
};

/** RFC 9562, section 5.4. `crypto.randomUUID` exists on secure pages alone. */
const randomUuid = () =>
  // A 0 stands for four random bits, the 8 for the two variant bits and two random ones.
  "00000000-0000-4000-8000-000000000000".replace(/[08]/g, (digit) => {
    const [random = 0] = crypto.getRandomValues(new Uint8Array(1));
    return (digit === "0" ? random % 16 : 8 + (random % 4)).toString(16);
  });

function onWake(wake: () => void): () => void {
  const page = globalThis.document as Document | undefined;
  const visible = () => page?.visibilityState === "visible" && wake();
  const control = new AbortController();
  const { signal } = control;
  globalThis.addEventListener?.("online", wake, { signal });
  page?.addEventListener("visibilitychange", visible, { signal });
  return () => control.abort();
}
