import type { Server } from "bun";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import { afford, type Budgets } from "../budgets.ts";
import type { Chat } from "../chat/chat.ts";
import type { Clock } from "../clock.ts";
import { checkToken } from "../door.ts";
import { problemResponse, Refusal, refusalOf } from "../errors.ts";
import type { Faulted } from "../faults.ts";
import type { Identity } from "../identity.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { clientAddress, networkOf } from "../limits/network.ts";
import { type Position, position } from "../protocol/frames.ts";
import { roomInPath } from "../protocol/rooms.ts";
import { credentialsOf, type Subprotocol } from "./credentials.ts";
import { createHeldSockets } from "./held.ts";
import type { Outgoing } from "./outgoing.ts";
import type { SocketData } from "./sockets.ts";

/** When a client that was turned away by a stopping server may try again, in milliseconds. */
const RETRY_MS = 2_000;

interface HandshakeOptions {
  readonly auth: Pick<Auth, "authenticate" | "knows">;
  readonly chat: Pick<Chat, "enter" | "connect">;
  readonly budgets: Pick<Budgets, "spend" | "charge">;
  /** The proxies in front of the server. */
  readonly trustProxy: number;
  readonly outgoing: Outgoing;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly faulted: Faulted;
  readonly allowedOrigins: readonly string[];
  readonly queryToken: boolean;
}

/** WebSocket handshakes (RFC 6455, section 4). */
export interface Handshakes {
  /** Responds to a request for a `/ws/` address. Resolves to undefined if it was upgraded. */
  upgrade(request: Request, url: URL, server: Server<SocketData>): Promise<Response | undefined>;
  /** Refuses new sockets, because the server is stopping. */
  drain(): void;
}

/** A handshake as its client asked for it. */
interface Wanted {
  readonly subprotocol: Subprotocol;
  readonly room: string | undefined;
  readonly since: Position | undefined;
  readonly token: string | undefined;
}

export function createHandshakes(options: HandshakeOptions): Handshakes {
  const { auth, chat, budgets, metrics, faulted } = options;
  const held = createHeldSockets(options.clock, metrics);

  /** Reads a handshake. One that cannot be read is charged to its network. @throws {Refusal} */
  const read = (request: Request, url: URL, network: string): Wanted => {
    try {
      return parse(request, url);
    } catch (error) {
      budgets.charge("visits", network, 1);
      throw error;
    }
  };

  const parse = (request: Request, url: URL): Wanted => {
    const room = roomOf(url.pathname);
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket")
      throw new Refusal("upgrade_required", { headers: { upgrade: "websocket", connection: "Upgrade" } });
    const origin = request.headers.get("origin");
    if (origin !== null && !options.allowedOrigins.includes("*") && !options.allowedOrigins.includes(origin))
      throw new Refusal("bad_origin");
    const { subprotocol, token, fromQuery } = credentialsOf(request.headers, url.searchParams);
    if (!subprotocol || (subprotocol.needsRoom && room === undefined))
      throw new Refusal("unsupported_protocol");
    if (fromQuery) metrics.queryTokens.inc();
    const since = url.searchParams.get("since");
    return {
      subprotocol,
      room,
      since: since === null ? undefined : positionOf(since),
      token: fromQuery && !options.queryToken ? undefined : token,
    };
  };

  /** Opening a socket is charged to its person. */
  async function identify({ token, room, subprotocol }: Wanted, network: string): Promise<Identity> {
    const { knows, authenticate } = auth;
    const identity = await checkToken({ budgets, network, token, knows, check: authenticate });
    afford(budgets.spend("sockets", identity));
    // A refusal by status has to come before the upgrade; a close code comes when the socket joins.
    if (subprotocol.refusal === "status" && room !== undefined) await chat.enter(identity, room);
    return identity;
  }

  /** Returns who sent the handshake, or why their socket is to be closed as soon as it is open. */
  async function identifyOrRefuse(wanted: Wanted, network: string): Promise<Identity | Refusal> {
    try {
      return await identify(wanted, network);
    } catch (error) {
      const refusal = refusalFor(error);
      // Anyone over budget is refused by status even on chat.v1, because an open socket would cost more.
      if (wanted.subprotocol.refusal === "status" || refusal.code === "rate_limited") throw refusal;
      return refusal;
    }
  }

  const refusalFor = (error: unknown): Refusal => {
    const refusal = refusalOf(error);
    if (refusal !== error) faulted(error, "a handshake");
    return refusal;
  };

  let draining = false;

  return {
    drain: () => void (draining = true),
    async upgrade(request, url, server) {
      const peer = server.requestIP(request)?.address ?? "";
      const address = clientAddress(request.headers.get("x-forwarded-for"), peer, options.trustProxy);
      const network = networkOf(address);
      try {
        if (draining) throw new Refusal("busy", { retryAfterMs: RETRY_MS });
        const wanted = read(request, url, network);
        const { room, since, subprotocol } = wanted;
        const identity = await identifyOrRefuse(wanted, network);
        if (identity instanceof Refusal) held.hold(identity, network);
        const data: SocketData = {
          owner: options,
          room,
          since,
          format: subprotocol.format,
          identity,
          address,
          opened: options.clock.monotonic(),
          connection: undefined, // reserves its place: an object that grows later is larger
        };
        const headers = new Headers(
          subprotocol.name === undefined ? {} : { "sec-websocket-protocol": subprotocol.name },
        );
        if (!server.upgrade(request, { data, headers })) throw new Refusal("upgrade_required");
        return undefined;
      } catch (error) {
        const refusal = refusalFor(error);
        metrics.refusedUpgrades.labels(refusal.code).inc();
        return problemResponse(refusal);
      }
    },
  };
}

/** Returns the room of a room's URL; undefined for `/ws/`. @throws {Refusal} bad_room, not_found. */
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
