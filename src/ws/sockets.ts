import type { ServerWebSocket, WebSocketHandler } from "bun";
import { type Chat, type Connection, type Format, HARD_LIMIT } from "../chat/chat.ts";
import type { Clock } from "../clock.ts";
import { Refusal } from "../errors.ts";
import type { Faulted } from "../faults.ts";
import type { Identity } from "../identity.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { CLOSE, type CloseReason, type ErrorCode, ERRORS } from "../protocol/codes.ts";
import type { Position } from "../protocol/frames.ts";
import { FRAME_IN_MAX_BYTES } from "../protocol/limits.ts";
import type { Outgoing } from "./outgoing.ts";

/** The runtime pings a socket that has been silent for this long, and closes it if no pong comes, in seconds. */
const IDLE_S = 120;

/** The close code of RFC 6455, section 7.4.1, for an unexpected condition. */
const INTERNAL_ERROR = 1011;

/** What Bun keeps with a socket for us. */
export interface SocketData {
  readonly owner: {
    readonly chat: Pick<Chat, "connect">;
    readonly outgoing: Outgoing;
    readonly clock: Clock;
    readonly log: Log;
    readonly metrics: Metrics;
    readonly faulted: Faulted;
  };
  readonly room: string | undefined;
  readonly since: Position | undefined;
  readonly format: Format;
  /** The socket's person, or why it is to be closed as soon as it is open. */
  readonly identity: Identity | Refusal;
  /** The client's address: see {@link clientAddress}. */
  readonly address: string;
  /** When the handshake ended, by the monotonic clock. */
  readonly opened: number;
  connection?: Connection | undefined;
}

/** Bun's handlers, which hand everything on to the connection. */
export const websocket: WebSocketHandler<SocketData> = {
  maxPayloadLength: FRAME_IN_MAX_BYTES,
  backpressureLimit: HARD_LIMIT,
  // Otherwise the runtime silently drops frames past the limit. A client whose socket is cut resumes.
  closeOnBackpressureLimit: true,
  idleTimeout: IDLE_S,
  sendPings: true,
  perMessageDeflate: false,
  open: guarded(open),
  message: guarded((ws, frame: string | Buffer) => ws.data.connection?.receive(frame)),
  // The runtime responds to pings by itself; they count as frames.
  ping: guarded((ws) => ws.data.connection?.receive(undefined)),
  pong: guarded((ws) => ws.data.connection?.receive(undefined)),
  drain: guarded((ws) => ws.data.connection?.drained()),
  close: guarded(close),
};

type Ws = ServerWebSocket<SocketData>;

/** An error of a handler ends its socket. Otherwise the runtime would end the process, with everybody's sockets. */
function guarded<Args extends unknown[]>(handler: (ws: Ws, ...args: Args) => unknown) {
  return (ws: Ws, ...args: Args): void => {
    try {
      handler(ws, ...args);
    } catch (error) {
      ws.data.owner.faulted(error, "a socket");
      ws.close(INTERNAL_ERROR);
    }
  };
}

function open(ws: Ws): void {
  const { identity, owner, format, room, since, address } = ws.data;
  owner.metrics.sockets.inc();
  if (identity instanceof Refusal) return ws.close(CLOSE[closeReasonOf(identity.code)], identity.code);
  ws.data.connection = owner.chat.connect(format, {
    socket: owner.outgoing.socket(ws),
    identity,
    address,
    ...(room !== undefined && { room }),
    ...(since !== undefined && { since }),
  });
  ws.data.connection.open();
}

function close(ws: Ws, code: number): void {
  const { owner, format, room, identity, opened, connection } = ws.data;
  const { metrics, log, clock } = owner;
  ws.data.connection = undefined;
  metrics.sockets.dec();
  metrics.closes.labels(labelOf(code)).inc();
  const seconds = Math.round((clock.monotonic() - opened) / 10) / 100;
  const user = identity instanceof Refusal ? undefined : identity.userId;
  log.info({ event: "socket_closed", user, format, room, code, seconds }, "a socket ended");
  connection?.ended();
}

/** The codes that servers, browsers and runtimes use (RFC 6455, section 7.4.1), and ours. Clients may send any other. */
const CODES: ReadonlySet<number> = new Set([
  ...[1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014],
  ...Object.values(CLOSE),
]);

const labelOf = (code: number): string => (CODES.has(code) ? String(code) : "other");

/** Returns the close reason for a handshake that is refused by a close code. */
function closeReasonOf(code: ErrorCode): CloseReason {
  if (code === "token_expired") return "token_expired";
  if (code === "account_disabled" || code === "forbidden") return "forbidden";
  return ERRORS[code].retryable ? "going_away" : "token_invalid";
}
