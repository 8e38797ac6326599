import type { Format } from "../chat/chat.ts";

const BEARER = "bearer.";

/** How a wire protocol is spoken over a WebSocket. */
export interface Subprotocol {
  readonly format: Format;
  /** The name that the handshake agrees on. A handshake that offers none speaks the plain protocol. */
  readonly name: string | undefined;
  /** It is spoken only on the URL of a room. */
  readonly needsRoom: boolean;
  /**
   * How a handshake is refused. A browser cannot read the status of a failed handshake, so chat.v1 accepts it and closes
   * with a code; the plain protocol is refused before the upgrade.
   */
  readonly refusal: "close code" | "status";
}

const CHAT_V1: Subprotocol = { format: "v1", name: "chat.v1", needsRoom: false, refusal: "close code" };
const PLAIN: Subprotocol = { format: "plain", name: undefined, needsRoom: true, refusal: "status" };

/** What a WebSocket handshake says about its sender and the protocol. */
export interface Credentials {
  /** Undefined if subprotocols were offered and none of them is supported. */
  readonly subprotocol: Subprotocol | undefined;
  readonly token: string | undefined;
  /** The token came in the URL, which logs of proxies may keep. */
  readonly fromQuery: boolean;
}

/**
 * Reads the token, in this order: `Authorization: Bearer` (RFC 6750), the list of subprotocols (`chat.v1,
 * bearer.<token>`, the only place where a browser can put it), `?token=`.
 */
export function credentialsOf(headers: Headers, query: URLSearchParams): Credentials {
  const offered = headers
    .get("sec-websocket-protocol")
    ?.split(",")
    .map((part) => part.trim());
  const header = /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
  const listed = offered?.find((part) => part.startsWith(BEARER))?.slice(BEARER.length);
  const queried = query.get("token") || undefined;
  const token = header ?? listed;
  return {
    subprotocol: offered === undefined ? PLAIN : offered.includes("chat.v1") ? CHAT_V1 : undefined,
    token: token ?? queried,
    fromQuery: token === undefined && queried !== undefined,
  };
}
