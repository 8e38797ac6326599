import type * as v from "valibot";
import type { PLAIN_FRAMES, SERVER_FRAMES } from "../../src/protocol/frames.ts";
import { type FrameWatch, watchPlain, watchV1 } from "./frames.ts";

/** The time limit for anything that a test waits for, in milliseconds. */
export const PATIENCE_MS = Number(process.env.TEST_PATIENCE_MS ?? 4_000);

type Outputs<S extends Record<string, v.GenericSchema>> = { [K in keyof S]: v.InferOutput<S[K]> };
export type V1Frames = Outputs<typeof SERVER_FRAMES>;
export type PlainFrames = Outputs<typeof PLAIN_FRAMES>;

/** A WebSocket for tests: `await ada.next("message")`. Verifies every received frame against the AsyncAPI document. */
export interface Client<Frames> {
  /** Sends an object as JSON, and a string or bytes as they are. */
  send(frame: object | string | Uint8Array<ArrayBuffer>): void;
  /** Takes the first untaken frame of this type and waits for it if necessary. */
  next<T extends keyof Frames>(type: T): Promise<Frames[T]>;
  /** Takes `count` frames of this type in order. */
  take<T extends keyof Frames>(type: T, count: number): Promise<Frames[T][]>;
  /** All received frames in order, taken or not. */
  readonly frames: readonly Record<string, unknown>[];
  /** Resolves with the close code and reason when the socket has closed. */
  readonly closed: Promise<{ code: number; reason: string }>;
  close(): void;
}

/** What a socket got, without `rooms`: these hints come when they come, about joins of the last seconds. */
export const steadyFrames = ({ frames }: Pick<Client<V1Frames>, "frames">) =>
  frames.filter(({ type }) => type !== "rooms");
export const typesOf = (client: Pick<Client<V1Frames>, "frames">) =>
  steadyFrames(client).map(({ type }) => type);

/** The reply to a command. */
export interface Reply {
  readonly type: "ok" | "error";
  readonly ref: number;
  readonly [field: string]: unknown;
}

/** A socket that speaks chat.v1. */
export interface V1Client extends Client<V1Frames> {
  /** Sends a command with a unique `ref` and resolves with its reply, `ok` or `error`. */
  ask(command: Readonly<Record<string, unknown>>): Promise<Reply>;
}

export interface ConnectOptions {
  /** The room in the URL. Without it, the socket opens on `/ws/`. */
  readonly room?: string;
  readonly token: string;
  readonly since?: string;
}

/** Connects with the plain protocol: without a subprotocol, with the token in the URL. */
export async function connectPlain(server: { url: string }, { room = "", token, since }: ConnectOptions) {
  const position = since === undefined ? "" : `&since=${encodeURIComponent(since)}`;
  const url = `${wsUrl(server)}/ws/chat/${encodeURIComponent(room)}/?token=${token}${position}`;
  const typeOf = (frame: object) => ("error" in frame ? "error" : "message");
  const client = createClient<PlainFrames>(new WebSocket(url), watchPlain(), typeOf);
  await client.opened;
  return client as Client<PlainFrames>;
}

/** Connects with chat.v1, with the token in the subprotocol list. */
export async function connect(
  server: { url: string },
  { room, token, since }: ConnectOptions,
): Promise<V1Client> {
  const path = room === undefined ? "/ws/" : `/ws/chat/${encodeURIComponent(room)}/`;
  const query = since === undefined ? "" : `?since=${encodeURIComponent(since)}`;
  const socket = new WebSocket(`${wsUrl(server)}${path}${query}`, ["chat.v1", `bearer.${token}`]);
  const client = createClient<V1Frames>(socket, watchV1(), ({ type }) => type as keyof V1Frames);
  await client.opened;
  let lastRef = 1_000_000;
  return {
    ...client,
    ask(command) {
      const ref = ++lastRef;
      client.send({ ref, ...command });
      return client.find(
        (frame) => frame.ref === ref,
        `reply to ${command.type}`,
      ) as Promise<unknown> as Promise<Reply>;
    },
  };
}

const wsUrl = ({ url }: { url: string }) => url.replace(/^http/, "ws");

interface Waiter {
  fits(frame: Record<string, unknown>, type: PropertyKey): boolean;
  resolve(frame: Record<string, unknown>): void;
  reject(error: Error): void;
}

interface Arrival {
  readonly frame: Record<string, unknown>;
  readonly type: PropertyKey;
}

function createClient<Frames>(
  socket: WebSocket,
  watch: FrameWatch,
  typeOf: (frame: Record<string, unknown>) => keyof Frames,
) {
  const frames: Record<string, unknown>[] = [];
  const untaken: Arrival[] = [];
  const closed = Promise.withResolvers<{ code: number; reason: string }>();
  const opened = Promise.withResolvers<void>();
  opened.promise.catch(() => {}); // a test may only look at `closed`
  const waiting = new Set<Waiter>();
  let fault: Error | undefined;

  const fail = (error: Error) => {
    fault ??= error;
    for (const { reject } of waiting) reject(fault);
    waiting.clear();
  };
  socket.onopen = () => opened.resolve();
  socket.onclose = ({ code, reason }) => {
    opened.reject(new Error(`the socket did not open (${code} ${reason})`));
    closed.resolve({ code, reason });
    fail(new Error(`the socket is closed (${code} ${reason})`));
  };
  socket.onmessage = ({ data }) => {
    const frame = JSON.parse(String(data)) as Record<string, unknown>;
    const type = typeOf(frame);
    frames.push(frame);
    const wrong = watch.received(frame);
    if (wrong) return fail(new Error(`${wrong}; the frame is ${JSON.stringify(frame).slice(0, 1000)}`));
    for (const waiter of waiting) {
      if (!waiter.fits(frame, type)) continue;
      waiting.delete(waiter);
      return waiter.resolve(frame);
    }
    untaken.push({ frame, type });
  };

  /** Takes the first untaken frame that fits and waits for it if necessary. */
  async function find(fits: Waiter["fits"], what: string) {
    const index = untaken.findIndex(({ frame, type }) => fits(frame, type));
    if (index !== -1) return untaken.splice(index, 1)[0]?.frame ?? {};
    if (fault) throw fault;
    const { promise, resolve, reject } = Promise.withResolvers<Record<string, unknown>>();
    const waiter = { fits, resolve, reject };
    waiting.add(waiter);
    const timer = setTimeout(() => {
      waiting.delete(waiter);
      const others = JSON.stringify(untaken.map(({ frame }) => frame)).slice(0, 2_000);
      reject(new Error(`no ${what} arrived; the untaken frames are ${others}`));
    }, PATIENCE_MS);
    return promise.finally(() => clearTimeout(timer));
  }

  const next = <T extends keyof Frames>(type: T) =>
    find((_, arrived) => arrived === type, String(type)) as Promise<Frames[T]>;

  return {
    frames,
    find,
    next,
    opened: opened.promise,
    closed: closed.promise,
    close: () => socket.close(1000),
    send(frame: object | string | Uint8Array<ArrayBuffer>) {
      const data = typeof frame === "string" || frame instanceof Uint8Array ? frame : JSON.stringify(frame);
      if (typeof data === "string") watch.sent(data);
      socket.send(data);
    },
    async take<T extends keyof Frames>(type: T, count: number) {
      const taken: Frames[T][] = [];
      while (taken.length < count) taken.push(await next(type));
      return taken;
    },
  };
}
