import { ChatError, disconnected, errorOf, passing } from "./errors.ts";
import { parseFrame, type Reply } from "./frames.ts";
import { createHeartbeat, type Heartbeat } from "./heartbeat.ts";
import type { EventFrame, Limits, User, WelcomeFrame } from "./message.ts";
import type { Ports, Wire } from "./ports.ts";
import { afterClose, backoff, serverDelay } from "./reconnect.ts";
import { createRenewal, type Renewal } from "./renewal.ts";

/** How long the server may take to send `welcome`, in milliseconds. */
const WELCOME_MS = 10_000;
/** After this time a connection counts as good, which resets the backoff and the count of refused tokens. */
const STABLE_MS = 5_000;

/** Close codes that blame a frame of the client, which is then not sent again (RFC 6455, section 7.4.1). */
const FRAME_CODES = [1002, 1007, 1009];

export type ConnectionState =
  /** Nobody is signed in, or nothing needs a connection yet. */
  | { readonly state: "idle" }
  | { readonly state: "connecting" }
  | { readonly state: "open"; readonly user: User }
  /** Retries by itself after `retryInMs`. */
  | { readonly state: "waiting"; readonly retryInMs: number; readonly error: ChatError }
  /** Does not retry by itself. Sign in, or call `connect()` once the cause in `error` is gone. */
  | { readonly state: "closed"; readonly error: ChatError };

export type Fields = Readonly<Record<string, unknown>>;

export interface Connection {
  readonly state: ConnectionState;
  /** Whether the server has sent `welcome`. */
  readonly open: boolean;
  /** Connects, and reconnects until `stop`. */
  start(): void;
  /** Disconnects. With an `error` the state becomes `closed`, otherwise `idle`. */
  stop(error?: ChatError): void;
  /** What keeps the token of the socket fresh. */
  readonly renewal: Pick<Renewal, "count" | "cover">;
  /** Requests a newer token. Resolves when the server has accepted it. @throws {ChatError} */
  renew(): Promise<void>;
  /** Sends a command. `reply` is called once, in frame order, with a `disconnected` error if the socket ends first. */
  ask(command: Readonly<Record<string, unknown>>, reply: (reply: Reply) => void): void;
}

interface ConnectionOptions {
  readonly url: string;
  readonly ports: Pick<Ports, "open" | "clock" | "random" | "onWake">;
  /** Returns an access token other than the refused one. */
  token(refused?: string): Promise<string>;
  changed(state: ConnectionState): void;
  welcome(frame: WelcomeFrame): void;
  /** The server accepted another token than before, on the open socket, or on a new one whose `welcome` follows. */
  renewed(): void;
  event(event: EventFrame): void;
  /** The server sent an invalid frame, or an error that names no command. */
  problem(error: ChatError): void;
}

interface Asked {
  readonly bytes: number;
  reply(reply: Reply): void;
}

/** One attempt to connect, from its token to the end of its socket. */
interface Life {
  readonly asked: Map<number, Asked>;
  wire?: Wire;
  limits?: Limits;
  heartbeat?: Heartbeat;
  /** When the server wants the client back, as `closing` says. */
  retryAfterMs?: number | undefined;
  lastRef: number;
  cancel(): void;
}

/** Keeps one socket to the server open, with retries. */
export function createConnection(options: ConnectionOptions): Connection {
  const { url, ports } = options;
  const { clock } = ports;
  let state: ConnectionState = { state: "idle" };
  let wanted = false;
  let life: Life | undefined;
  /** Failed attempts and refused tokens since the last good connection. */
  let attempts = 0;
  let strikes = 0;
  /** The wait before a retry. If the server named it, a returning network does not end it early. */
  let wait: { readonly named: boolean; cancel(): void } | undefined;
  let sleep: (() => void) | undefined;

  const renewal = createRenewal({ ...options, ask: (command, reply) => ask(command, reply) });

  const set = (next: ConnectionState) => options.changed((state = next));

  const connect = () => {
    wait?.cancel();
    wait = undefined;
    const mine: Life = { asked: new Map(), lastRef: 0, cancel() {} };
    life = mine;
    set({ state: "connecting" });
    renewal.token().then(
      (token) => life === mine && open(mine, token),
      (thrown: unknown) => {
        const error = errorOf(thrown);
        if (life !== mine) return;
        if (error.retryable) later(mine, error);
        else stop(error);
      },
    );
  };

  const open = (mine: Life, token: string) => {
    mine.cancel = clock.after(WELCOME_MS, () =>
      drop(mine, passing("unreachable", "The server did not respond.")),
    );
    try {
      mine.wire = ports.open(url, ["chat.v1", `bearer.${token}`], {
        message: (data) => life === mine && arrived(mine, data),
        closed: (code, reason) => life === mine && closed(mine, code, reason),
      });
    } catch {
      // Browsers reject subprotocols with characters that headers may not have.
      stop(new ChatError("token_invalid", "The token was rejected."));
    }
  };

  const arrived = (mine: Life, data: unknown) => {
    mine.heartbeat?.alive();
    const { ref, reply, event, problem } = parseFrame(data);
    if (problem) options.problem(problem);
    if (ref !== undefined && reply) {
      const asked = mine.asked.get(ref);
      mine.asked.delete(ref);
      asked?.reply(reply);
    }
    if (event?.type === "welcome") return mine.limits ? undefined : welcomed(mine, event);
    if (event?.type === "closing") mine.retryAfterMs = serverDelay(event.retryAfterMs);
    if (!mine.limits || !event) return;
    if (event.type === "expiring") renewal.expiring();
    options.event(event);
  };

  const welcomed = (mine: Life, frame: WelcomeFrame) => {
    mine.cancel();
    renewal.opened(frame.expiresAt);
    mine.limits = frame.limits;
    mine.cancel = clock.after(STABLE_MS, () => {
      attempts = 0;
      strikes = 0;
    });
    mine.heartbeat = createHeartbeat({
      clock,
      quietMs: Math.min(Math.max(frame.heartbeatMs, 1_000), 600_000),
      ping: () => ask({ type: "ping" }, () => {}),
      dead: () => drop(mine, disconnected()),
    });
    set({ state: "open", user: frame.user });
    if (life === mine) options.welcome(frame);
  };

  /** Gives up on a socket without waiting for its close event. */
  const drop = (mine: Life, error: ChatError) => {
    end(mine);
    later(mine, error);
    mine.wire?.close();
  };

  const closed = (mine: Life, code: number, reason: string) => {
    // From 4000 on the close reason is an error code.
    const name = code >= 4000 && /^[a-z_]{1,40}$/.test(reason) ? reason : "disconnected";
    const next = afterClose(code);
    const error = new ChatError(name, `The connection was closed (${code}).`, { retryable: next !== "stay" });
    end(mine, code);
    if (next === "stay") return stop(error);
    if (next === "renew") {
      // An expired token says nothing about the next one.
      if (code >= 4500) strikes++;
      renewal.refused();
      if (strikes > 1) return stop(new ChatError(name, "The token was rejected."));
    }
    later(mine, error);
  };

  /** Ends an attempt. Commands without a reply get an error, because their outcome is unknown. */
  const end = (mine: Life, code = 1006) => {
    if (life === mine) {
      life = undefined;
      renewal.ended();
    }
    mine.cancel();
    mine.heartbeat?.stop();
    const asked = [...mine.asked.values()];
    mine.asked.clear();
    // The offending frame got no reply. Which one it was is unknown, so blame the largest.
    const blamed = FRAME_CODES.includes(code) ? [...asked].sort((a, b) => b.bytes - a.bytes)[0] : undefined;
    for (const one of asked) one.reply(one === blamed ? tooLarge() : disconnected());
  };

  const later = (mine: Life, error: ChatError) => {
    life = undefined;
    if (!wanted) return;
    const named = mine.retryAfterMs ?? error.retryAfterMs;
    const ms = named ?? backoff(attempts, ports.random());
    attempts++;
    wait = { named: named !== undefined, cancel: clock.after(ms, connect) };
    set({ state: "waiting", retryInMs: Math.round(ms), error });
  };

  const stop = (error?: ChatError) => {
    wanted = false;
    wait?.cancel();
    wait = undefined;
    sleep?.();
    sleep = undefined;
    const mine = life;
    if (mine) {
      end(mine);
      mine.wire?.close(1000);
    }
    attempts = strikes = 0;
    renewal.stop(error ?? disconnected());
    if (error || state.state !== "idle") set(error ? { state: "closed", error } : { state: "idle" });
  };

  const wake = (isLost?: boolean) => {
    // What is sent now would wait for the heartbeat to find out.
    if (isLost) return life && drop(life, disconnected());
    if (wait && !wait.named) connect();
    else life?.heartbeat?.probe();
  };

  const ask: Connection["ask"] = (command, answered) => {
    const reply = (answer: Reply) =>
      answered(answer instanceof ChatError ? Object.assign(answer, { room: command.room }) : answer);
    const mine = life;
    if (!mine?.limits || !mine.wire) return reply(disconnected());
    const ref = ++mine.lastRef;
    const text = JSON.stringify({ ...command, ref });
    const bytes = new TextEncoder().encode(text).length;
    if (bytes > mine.limits.frameBytes) return reply(tooLarge());
    mine.asked.set(ref, { bytes, reply });
    try {
      mine.wire.send(text);
    } catch {
      // Some runtimes throw if the socket is closing. Its `closed` follows.
    }
  };

  return {
    get state() {
      return state;
    },
    get open() {
      return !!life?.limits;
    },
    start() {
      if (wanted) return;
      wanted = true;
      sleep ??= ports.onWake(wake);
      connect();
    },
    stop,
    renewal,
    async renew() {
      if (!wanted) throw disconnected();
      return renewal.renew();
    },
    ask,
  };
}

const tooLarge = () => new ChatError("too_large", "Too large for the server.");
