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
   * Calls back when the network may be back: on `online`, or when the page becomes visible. Returns a function that stops
   * it.
   */
  readonly onWake: (wake: () => void) => () => void;
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

/** Creates a random UUID (RFC 9562, section 5.4). `crypto.randomUUID` exists only on secure pages. */
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
