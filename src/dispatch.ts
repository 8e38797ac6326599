import type { Clock } from "./clock.ts";
import { Refusal } from "./errors.ts";
import { clientAddress, siteOf } from "./limits/network.ts";
import { createTurns } from "./limits/turns.ts";
import type { SocketData } from "./ws/sockets.ts";

/** The most handshakes, and other requests, started in one turn of the event loop, so that a crowd delays no deliveries. */
const STARTED_A_TURN = 4;
/**
 * How long a connection stays open from the start of a request, in seconds. It is longer than all our own limits together,
 * which end with a response: for the body, for a database connection and for the database.
 */
export const REQUEST_S = 120;
/** Probes do not wait behind a crowd. */
const PROBE = /^\/(healthz|readyz|metrics)\/?$/;

export type Handler = (
  request: Request,
  server: Bun.Server<SocketData>,
) => Response | undefined | Promise<Response | undefined>;

interface Destinations {
  readonly clock: Clock;
  /** The proxies in front of the server. */
  readonly trustProxy: number;
  /** Is called with each request that is no probe, and with the address of its connection. */
  inspect(headers: Headers, address: string): void;
  /** Serves the page's files; undefined if the path is none. */
  page(request: Request, path: string): Promise<Response> | undefined;
  /** Upgrades a WebSocket handshake. */
  upgrade(request: Request, url: URL, server: Bun.Server<SocketData>): Promise<Response | undefined>;
  /** Serves the HTTP API. `unhurried` lets the request take longer than others, until the function that it returns is called. */
  api(request: Request, address: string, unhurried: () => () => void): Response | Promise<Response>;
}

/** Sends each request to the page, a socket or the API. Handshakes and API requests take turns, by site. */
export function createDispatch({ clock, trustProxy, inspect, page, upgrade, api }: Destinations): Handler {
  const handshakes = createTurns(clock, STARTED_A_TURN);
  const requests = createTurns(clock, STARTED_A_TURN);

  return (request, server) => {
    const url = urlOf(request);
    const isHandshake = /^\/ws(\/|$)/.test(url.pathname);
    const asset = isHandshake ? undefined : page(request, url.pathname);
    if (asset) return asset;
    const { address } = server.requestIP(request) ?? { address: "" };
    const unhurried = () => {
      server.timeout(request, 0);
      // Otherwise the connection could stay open for ever after the response.
      return () => server.timeout(request, REQUEST_S);
    };
    const begin = () =>
      isHandshake ? upgrade(request, url, server) : api(forApi(request, url), address, unhurried);
    // By site, because one party may have all networks of one, and each would get a turn.
    const site = () => siteOf(clientAddress(request.headers.get("x-forwarded-for"), address, trustProxy));
    const isProbe = PROBE.test(url.pathname);
    if (!isProbe) inspect(request.headers, address);
    const turn = isProbe ? undefined : (isHandshake ? handshakes : requests).next(site);
    // Clients that went away while they waited cost nothing.
    return turn ? turn.then(() => (request.signal.aborted ? new Response() : begin())) : begin();
  };
}

/** Stands for the host of a request that names none. HTTP/1.0 has no Host header, and load balancers probe that way. */
const SOME_HOST = "http://localhost";

/** @throws {Refusal} `malformed` if the Host header, in which anyone may write anything, is not the name of one host. */
function urlOf({ url, headers }: Request): URL {
  const parsed = URL.parse(url.startsWith("/") ? SOME_HOST + url : url);
  // The runtime joins repeated headers. Which one counts is unclear, so a proxy may have checked another.
  if (parsed && !headers.get("host")?.includes(",")) return parsed;
  throw new Refusal("malformed", { detail: "The Host header is not the name of a host." });
}

/**
 * Returns the request for the API, which needs a full URL. A response to GET is sent without its body if the request was
 * HEAD, and its Content-Length stays (RFC 9110, section 9.3.2).
 */
function forApi(request: Request, url: URL): Request {
  if (request.method === "HEAD") return new Request(url, { method: "GET", headers: request.headers });
  return request.url.startsWith("/") ? new Request(url, request) : request;
}
