/** The subprotocol of commands and acks. A room's URL without a subprotocol speaks the plain protocol. */
export const SUBPROTOCOL = "chat.v1";

const BEARER = "bearer.";

/** What a WebSocket handshake says of who it is and what it speaks. */
export interface Credentials {
  /** `plain`: no subprotocol was offered. Null: some were, and none is ours. */
  readonly format: "v1" | "plain" | null;
  readonly token: string | undefined;
  /** The token came in the URL, where logs of proxies may keep it. */
  readonly fromQuery: boolean;
}

/**
 * Reads the token in this order: `Authorization: Bearer` (RFC 6750), the subprotocol list (`chat.v1, bearer.<token>`,
 * the one place where a browser can put it), `?token=`.
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
