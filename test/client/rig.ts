import {
  type Chat,
  type ChatOptions,
  createChat,
  type Ports,
  type Wire,
  type WireListener,
} from "../../src/client/whole/whole.ts";

/** A socket that the client opened, seen from the server. */
export interface FakeWire {
  readonly url: string;
  /** Its token, or the name of one that {@link jwt} made. */
  readonly token: string;
  /** Frames from the client that the test has not taken yet. */
  readonly sent: Record<string, unknown>[];
  /** Set once the client closed the socket. */
  readonly closed: { readonly code: number | undefined } | undefined;
  /** Sends a frame. Strings and bytes are sent as they are. */
  say(frame: unknown): void;
  end(code: number, reason?: string): void;
  /** Sends `welcome`, with `more` over the defaults. */
  welcome(more?: Record<string, unknown>): void;
  /** Takes the next command of this type. @throws if there is none. */
  take(type: string): Record<string, unknown> & { ref: number };
  /** Takes the join of a room and admits the client. */
  admit(room: string, joined?: Record<string, unknown>): void;
}

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly body: Record<string, unknown> | undefined;
  /** The body of an upload. */
  readonly bytes?: Blob | undefined;
  readonly token: string | undefined;
}

/** A chat with time, network and randomness under the test's control. */
export interface Rig {
  readonly chat: Chat;
  readonly wires: readonly FakeWire[];
  /** The latest socket. */
  readonly wire: FakeWire;
  readonly requests: readonly Request[];
  /** All states of the connection so far. */
  readonly states: string[];
  readonly problems: string[];
  /** Runs all promises that can proceed. */
  settle(): Promise<void>;
  /** Advances the time and runs timers. */
  pass(ms: number): Promise<void>;
  /** Advances the time to the next attempt to connect, if one is due. */
  back(): Promise<void>;
  /** Moves the wall clock, which only the expiry of tokens may depend on. */
  jump(ms: number): void;
  /** Signals that the network is back or the page visible. */
  wake(): void;
  /** The browser says that the network is gone. */
  lose(): void;
}

interface RigOptions extends Omit<ChatOptions, "url" | "ports"> {
  /** Handles requests. By default every request fails. */
  http?(request: Request): Response | Promise<Response>;
  readonly random?: () => number;
  readonly ports?: Partial<Ports>;
}

export const json = (body: unknown, status = 200, headers: Record<string, string> = {}) =>
  Response.json(body, { status, headers });
export const problem = (code: string, status: number, retryable = false) =>
  json({ code, status, retryable, detail: code }, status);

/** Creates a token with a name, in the form of a JWT. */
export const jwt = (name: string) => `e30.${Buffer.from(name).toString("base64url")}.sig`;

/** Returns the name of a token that has one, or else the token. */
const nameIn = (token: string) => {
  const [, name] = /^e30\.(.+)\.sig$/.exec(token) ?? [];
  return name === undefined ? token : Buffer.from(name, "base64url").toString();
};

let uuids = 0;

export function createRig({ http, random = () => 0, ports, ...options }: RigOptions = {}): Rig {
  const wires: FakeWire[] = [];
  const requests: Request[] = [];
  const states: string[] = [];
  const problems: string[] = [];
  let timers: { at: number; task: () => void }[] = [];
  let time = 0;
  let wall = Date.parse("2026-11-24T12:00:00Z");
  let wake = (_isLost?: boolean) => {};
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

  const chat = createChat({
    url: "https://chat.example.com",
    ...(!http && { tokens: () => jwt("token") }),
    ...options,
    ports: {
      open(url, protocols, listener) {
        const { fake, wire } = fakeWire(url, protocols, listener);
        wires.push(fake);
        return wire;
      },
      async fetch(url, init) {
        const request: Request = {
          method: String(init.method),
          path: url.slice(new URL(url).origin.length),
          body: typeof init.body === "string" ? JSON.parse(init.body) : undefined,
          bytes: init.body instanceof Blob ? init.body : undefined,
          token: new Headers(init.headers).get("authorization")?.replace("Bearer ", ""),
        };
        requests.push(request);
        const aborted = new Promise<never>((_, reject) => {
          init.signal?.addEventListener("abort", () => reject(new TypeError("aborted")));
        });
        if (!http) throw new TypeError("fetch failed");
        return Promise.race([http(request), aborted]);
      },
      clock: {
        now: () => wall + time,
        monotonic: () => time,
        after(ms, task) {
          const timer = { at: time + ms, task };
          timers.push(timer);
          return () => void (timers = timers.filter((other) => other !== timer));
        },
      },
      random,
      uuid: () => `00000000-0000-4000-8000-${String(++uuids).padStart(12, "0")}`,
      locks: undefined,
      onWake(task) {
        wake = task;
        return () => (wake = () => {});
      },
      ...ports,
    },
  });
  chat.on("connection", ({ state }) => void states.push(state));
  chat.on("problem", ({ message }) => void problems.push(message));

  const rig: Rig = {
    chat,
    wires,
    get wire() {
      const last = wires.at(-1);
      if (!last) throw new Error("no socket was opened");
      return last;
    },
    requests,
    states,
    problems,
    settle,
    async pass(ms) {
      const end = time + ms;
      await settle();
      for (;;) {
        const next = timers.filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0];
        if (!next) break;
        timers = timers.filter((other) => other !== next);
        time = next.at;
        next.task();
        await settle();
      }
      time = end;
    },
    async back() {
      const { connection } = chat.snapshot();
      if (connection.state === "waiting") await rig.pass(connection.retryInMs + 1);
    },
    jump: (ms) => void (wall += ms),
    wake: () => wake(),
    lose: () => wake(true),
  };
  return rig;
}

export const EPOCH = "first";

function fakeWire(url: string, protocols: string[], listener: WireListener) {
  const sent: Record<string, unknown>[] = [];
  let closed: { code: number | undefined } | undefined;
  let ended = false;
  const wire: Wire = {
    send(text) {
      if (closed || ended) throw new Error("a closed socket was written to");
      sent.push(JSON.parse(text));
    },
    close(code) {
      closed ??= { code };
    },
  };
  const fake: FakeWire = {
    url,
    token: nameIn(protocols[1]?.replace("bearer.", "") ?? ""),
    sent,
    get closed() {
      return closed;
    },
    say: (frame) =>
      listener.message(
        typeof frame === "string" || frame instanceof ArrayBuffer ? frame : JSON.stringify(whole(frame)),
      ),
    end(code, reason = "") {
      ended = true;
      listener.closed(code, reason);
    },
    welcome: (more) =>
      fake.say({
        type: "welcome",
        user: { id: "u_ada", username: "ada" },
        expiresAt: "2026-11-24T13:00:00Z",
        heartbeatMs: 30_000,
        limits: { frameBytes: 65_536, messageChars: 4_000, rooms: 200 },
        ...more,
      }),
    take(type) {
      const index = sent.findIndex((frame) => frame.type === type);
      if (index === -1) throw new Error(`no ${type} among ${JSON.stringify(sent)}`);
      return sent.splice(index, 1)[0] as ReturnType<FakeWire["take"]>;
    },
    admit(room, joined) {
      const { ref } = fake.take("join");
      const frame = { type: "joined", room, epoch: EPOCH, version: 0, resumed: false, ...joined };
      fake.say({ type: "ok", ref });
      fake.say(frame);
      fake.say({ type: "synced", room, version: frame.version });
    },
  };
  return { fake, wire };
}

/** Rooms are open, unless a test says otherwise. */
const whole = (frame: unknown): unknown => {
  const isJoined = (frame as { type?: unknown } | null)?.type === "joined";
  return isJoined ? { kind: "open", role: "member", ...(frame as object) } : frame;
};

/** Creates a live notice frame: what changed, and what `more` says. */
export const notice = (
  room: string,
  id: number,
  change: { type: string; users?: readonly unknown[] } & Record<string, unknown>,
  more: Record<string, unknown> = {},
) => ({
  type: "notice",
  room,
  prev: id - 1,
  id,
  version: id,
  timestamp: "2026-11-24T12:00:00Z",
  by: { id: "u_ben", username: "ben" },
  notice: { users: [], ...change },
  ...more,
});

/** Creates a live message frame. */
export const message = (room: string, id: number, more: Record<string, unknown> = {}) => ({
  type: "message",
  room,
  change: "created",
  prev: id - 1,
  id,
  version: id,
  username: "ben",
  user: { id: "u_ben" },
  content: `message ${id}`,
  timestamp: "2026-11-24T12:00:00Z",
  clientId: crypto.randomUUID(),
  ...more,
});

/** Resolves with "done", or with the code of the error. */
export async function outcome(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "done";
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

/** Creates a storage like `localStorage`. */
export function memory(items = new Map<string, string>()) {
  return {
    items,
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
    removeItem: (key: string) => void items.delete(key),
  };
}
