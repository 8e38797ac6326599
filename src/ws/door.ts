import type { Server, WebSocketHandler } from "bun";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import type { Chat } from "../chat/chat.ts";
import type { Connection } from "../chat/connection/connection.ts";
import type { Format } from "../chat/codecs/encode.ts";
import { HARD_LIMIT } from "../chat/limits.ts";
import type { Clock } from "../clock.ts";
import { faultOf, problemResponse, Refusal, refusalOf } from "../errors.ts";
import type { Identity } from "../identity.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { CLOSE, type CloseReason, type ErrorCode } from "../protocol/codes.ts";
import { type Position, position } from "../protocol/frames.ts";
import { FRAME_IN_MAX_BYTES } from "../protocol/limits.ts";
import { roomInPath } from "../protocol/rooms.ts";
import { credentialsOf, SUBPROTOCOL } from "./credentials.ts";
import type { Outgoing } from "./outgoing.ts";

/** The runtime pings a socket that says nothing, and closes it when it does not answer, in seconds. */
const IDLE_S = 120;
/** When a client that was not let in may try again, in milliseconds. */
const RETRY_MS = 2_000;

interface DoorOptions {
  readonly auth: Auth;
  readonly chat: Chat;
  readonly outgoing: Outgoing;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly allowedOrigins: readonly string[];
  readonly queryToken: boolean;
}

/** The WebSocket door: turns an upgrade into a connection. */
export interface Door {
  /** Answers a request for a `/ws/` address. Nothing: it was upgraded. */
  upgrade(request: Request, url: URL, server: Server<SocketData>): Promise<Response | undefined>;
  /** Lets no more sockets in: the server is going away. */
  drain(): void;
}

/** What Bun keeps with a socket for us. */
export interface SocketData extends Wanted {
  readonly door: DoorOptions;
  /** Who it is, or why it is to be closed as soon as it is open. */
  readonly identity: Identity | Refusal;
  readonly opened: number;
  connection?: Connection | undefined;
}

interface Wanted {
  readonly room: string | undefined;
  readonly since: Position | undefined;
  readonly format: Format;
}

export function createDoor(options: DoorOptions): Door {
  const { auth, chat, metrics } = options;

  const read = (request: Request, url: URL): Wanted & { token: string | undefined } => {
    const room = roomOf(url.pathname);
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket")
      throw new Refusal("upgrade_required", { headers: { upgrade: "websocket", connection: "Upgrade" } });
    const origin = request.headers.get("origin");
    if (origin !== null && !options.allowedOrigins.includes("*") && !options.allowedOrigins.includes(origin))
      throw new Refusal("bad_origin");
    const { format, token, fromQuery } = credentialsOf(request.headers, url.searchParams);
    if (format === null || (format === "plain" && room === undefined))
      throw new Refusal("unsupported_protocol");
    if (fromQuery) metrics.queryTokens.inc();
    const since = url.searchParams.get("since");
    return {
      room,
      format,
      since: since === null ? undefined : positionOf(since),
      token: fromQuery && !options.queryToken ? undefined : token,
    };
  };

  async function identify(token: string | undefined, { room, format }: Wanted): Promise<Identity> {
    if (token === undefined) throw new Refusal("token_missing");
    const identity = await auth.authenticate(token);
    // The plain protocol is refused before the upgrade; chat.v1 is told by the join.
    if (format === "plain" && room !== undefined && !chat.access.may(identity, room, "read"))
      throw new Refusal("forbidden");
    return identity;
  }

  let draining = false;

  return {
    drain: () => void (draining = true),
    async upgrade(request, url, server) {
      try {
        if (draining) throw new Refusal("busy", { retryAfterMs: RETRY_MS });
        const wanted = read(request, url);
        let identity: Identity | Refusal;
        try {
          identity = await identify(wanted.token, wanted);
        } catch (error) {
          identity = refusalOf(error);
          if (identity !== error)
            options.log.error({ event: "fault", fault: faultOf(error) }, "a handshake failed");
          // A browser cannot read the status of a failed handshake: chat.v1 is accepted, and then closed with a code.
          if (wanted.format === "plain") throw identity;
        }
        const { room, since, format } = wanted;
        const data: SocketData = {
          door: options,
          room,
          since,
          format,
          identity,
          opened: options.clock.monotonic(),
          connection: undefined, // its place: an object that grows later is larger
        };
        const headers = new Headers(wanted.format === "v1" ? { "sec-websocket-protocol": SUBPROTOCOL } : {});
        if (!server.upgrade(request, { data, headers })) throw new Refusal("upgrade_required");
        return undefined;
      } catch (error) {
        const refusal = refusalOf(error);
        metrics.refusedUpgrades.labels(refusal.code).inc();
        return problemResponse(refusal);
      }
    },
  };
}

/** Bun's handlers: nothing but the edge. */
export const websocket: WebSocketHandler<SocketData> = {
  maxPayloadLength: FRAME_IN_MAX_BYTES,
  backpressureLimit: HARD_LIMIT,
  // The runtime drops frames past the limit in silence; it shall rather cut the socket, whose client then resumes.
  closeOnBackpressureLimit: true,
  idleTimeout: IDLE_S,
  sendPings: true,
  perMessageDeflate: false,
  open(ws) {
    const { identity, door, format, room, since } = ws.data;
    door.metrics.sockets.inc();
    if (identity instanceof Refusal) {
      const reason = closeReasonOf(identity.code);
      return ws.close(CLOSE[reason], identity.code);
    }
    ws.data.connection = door.chat.connect({
      socket: door.outgoing.socket(ws),
      identity,
      format,
      ...(room !== undefined && { room }),
      ...(since !== undefined && { since }),
    });
    ws.data.connection.open();
  },
  message(ws, frame) {
    ws.data.connection?.receive(frame);
  },
  drain(ws) {
    ws.data.connection?.drained();
  },
  close(ws, code) {
    const { door, format, room, identity, opened, connection } = ws.data;
    const { metrics, log, clock } = door;
    ws.data.connection = undefined;
    connection?.ended();
    metrics.sockets.dec();
    metrics.closes.labels(String(code)).inc();
    const seconds = Math.round((clock.monotonic() - opened) / 10) / 100;
    const user = identity instanceof Refusal ? undefined : identity.userId;
    log.info({ event: "socket_closed", user, format, room, code, seconds }, "a socket ended");
  },
};

/** What a refused chat.v1 handshake is closed with. */
function closeReasonOf(code: ErrorCode): CloseReason {
  switch (code) {
    case "token_expired":
      return "token_expired";
    case "account_disabled":
    case "forbidden":
      return "forbidden";
    case "unavailable":
    case "busy":
    case "internal":
      return "going_away";
    default:
      return "token_invalid";
  }
}

/** The room of a room's URL; nothing for `/ws/`. @throws {Refusal} bad_room, not_found. */
function roomOf(path: string): string | undefined {
  if (/^\/ws\/?$/.test(path)) return undefined;
  const written = /^\/ws\/chat\/([^/]*)\/?$/.exec(path)?.[1];
  if (written === undefined) throw new Refusal(path.startsWith("/ws/chat/") ? "bad_room" : "not_found");
  const room = roomInPath(written);
  if (room === null) throw new Refusal("bad_room");
  return room;
}

function positionOf(text: string): Position {
  const parsed = v.safeParse(position, text);
  if (parsed.success) return parsed.output;
  const message = parsed.issues[0].message;
  throw new Refusal("invalid", { detail: `since ${message}`, errors: { since: [message] } });
}
