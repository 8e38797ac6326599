/**
 * The subprotocol with commands and acknowledgements. A room's URL without a subprotocol uses the plain
 * protocol.
 */
export const SUBPROTOCOL = "chat.v1";

const BEARER = "bearer.";

/** The token and protocol that a WebSocket handshake asks for. */
export interface Credentials {
  /** `plain` if no subprotocol was offered; null if none of those offered is supported. */
  readonly format: "v1" | "plain" | null;
  readonly token: string | undefined;
  /** Whether the token came in the URL, which proxies may log. */
  readonly fromQuery: boolean;
}

/**
 * Looks for the token in this order: `Authorization: Bearer` (RFC 6750), the subprotocol list
 * (`chat.v1, bearer.<token>`, the only header that a browser can set), `?token=`.
 */
export function credentialsOf(headers: Headers, query: URLSearchParams): Credentials {
  const offered = headers
    .get("sec-websocket-protocol")
    ?.split(",")
    .map((part) => part.trim());
  const format = offered ? (offered.includes(SUBPROTOCOL) ? "v1" : null) : "plain";
  const header = /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
  const listed = offered?.find((part) => part.startsWith(BEARER))?.slice(BEARER.length);
  const queried = query.get("token") || undefined;
  const token = header ?? listed;
  return { format, token: token ?? queried, fromQuery: token === undefined && queried !== undefined };
}
