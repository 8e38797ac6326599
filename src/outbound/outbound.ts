import { lookup as lookUp } from "node:dns/promises";
import http, { type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import https from "node:https";
import { isIP, isIPv6, type LookupFunction } from "node:net";
import type { Clock } from "../clock.ts";
import { createReach } from "./addresses.ts";

/** How long a request may take in total, with the name and the whole response, in milliseconds. */
export const TOTAL_MS = 10_000;
/** How long the connection may take, with its encryption, in milliseconds. */
const CONNECT_MS = 4_000;
/** How much of a response's body is read, and of its headers, in bytes. */
export const BODY_MAX = 64 * 1024;
const HEADERS_MAX = 16 * 1024;
/** Responses such as 103 that may precede the one that counts. */
const PRELUDES_MAX = 10;
const URL_MAX = 2048;
/** The ports below 1024 that nobody has to allow. Others belong to services such as mail. */
const USUAL_PORTS = [80, 443];

/** Why a request has no response. The texts name neither the URL nor anything of the response. */
export const FAULTS = {
  bad_url: "The URL must begin with http:// or https://, and have no user name, password or unusual port.",
  forbidden: "The URL leads to an address that is not on the public internet. OUTBOUND_ALLOW can allow it.",
  unresolved: "The name in the URL could not be resolved.",
  unreachable: "The connection failed.",
  untrusted: "The certificate of the server is not valid for this URL.",
  slow: "The response was not complete in time.",
  broken: "The connection ended, or what came is not a response.",
} as const;
export type OutboundFault = keyof typeof FAULTS;

/** A request has no response. */
export class OutboundError extends Error {
  override readonly name = "OutboundError";
  constructor(readonly fault: OutboundFault) {
    super(FAULTS[fault]);
  }
}

export interface OutboundRequest {
  readonly url: string;
  readonly method?: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** The URL is one of the operator's settings: it may lead anywhere, and connections to it are kept for later requests. */
  readonly trusted?: boolean;
  /** Less than the usual limit for the whole request, in milliseconds. */
  readonly timeoutMs?: number;
}

export interface OutboundResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The body as it came, at most {@link BODY_MAX} bytes of it. */
  readonly body: Buffer;
  /** Whether there was more. */
  readonly isCut: boolean;
}

/** The only way to call URLs that other people gave. */
export interface Outbound {
  /**
   * Sends a request and returns the response, whatever its status. A redirect is a response like any other: it is not
   * followed. @throws {OutboundError}
   */
  send(request: OutboundRequest): Promise<OutboundResponse>;
  /** Returns what is wrong with a URL, as far as it shows without resolving its name. */
  inspect(url: string): OutboundFault | undefined;
}

export interface OutboundParts {
  readonly clock: Clock;
  /** The operator's own hosts and networks: names, addresses and networks such as `10.0.0.0/8`. */
  readonly allow?: readonly string[];
  /** Resolves a name to all of its addresses. */
  readonly resolve?: (name: string) => Promise<readonly string[]>;
}

const resolveAll = async (name: string) => (await lookUp(name, { all: true })).map(({ address }) => address);

export function createOutbound({ clock, allow = [], resolve = resolveAll }: OutboundParts): Outbound {
  const reach = createReach(allow);

  /** @throws {OutboundError} if the URL must not be called, whatever its name resolves to. */
  function read(text: string): { readonly url: URL; readonly host: string; readonly isOwn: boolean } {
    const url = text.length <= URL_MAX ? URL.parse(text) : null;
    if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password)
      throw new OutboundError("bad_url");
    // The URL parser has turned decimal, octal and other spellings of addresses into the usual one.
    const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
    const isOwn = reach.allowsName(host) || reach.lists(host);
    if (isIP(host) > 0 && !isOwn && !reach.allows(host)) throw new OutboundError("forbidden");
    const port = portOf(url);
    if (port < 1024 && !USUAL_PORTS.includes(port) && !isOwn) throw new OutboundError("bad_url");
    return { url, host, isOwn };
  }

  /** Resolves the name once. One forbidden address is enough to refuse all. @throws {OutboundError} */
  async function addressesOf(text: string): Promise<readonly string[]> {
    const { host, isOwn } = read(text);
    if (isIP(host) > 0) return [host];
    const found = await resolve(host).catch(() => []);
    if (found.length === 0) throw new OutboundError("unresolved");
    if (!isOwn && !found.every(reach.allows)) throw new OutboundError("forbidden");
    return found;
  }

  return {
    async send(request) {
      const late = Promise.withResolvers<never>();
      late.promise.catch(() => {}); // it may come when nobody waits any more
      const abort = new AbortController();
      const cancel = clock.after(request.timeoutMs ?? TOTAL_MS, () => {
        late.reject(new OutboundError("slow"));
        abort.abort();
      });
      try {
        const addresses = request.trusted ? undefined : addressesOf(request.url);
        const pinned = await Promise.race([addresses, late.promise]);
        return await Promise.race([exchange(request, pinned, clock, abort.signal), late.promise]);
      } finally {
        cancel();
        abort.abort();
      }
    },
    inspect(url) {
      try {
        read(url);
        return undefined;
      } catch (error) {
        if (error instanceof OutboundError) return error.fault;
        throw error;
      }
    },
  };
}

/** Connections to the operator's own URLs. Others are never shared, because each request has its address checked. */
const KEPT = {
  http: new http.Agent({ keepAlive: true }),
  https: new https.Agent({ keepAlive: true }),
} as const;

const portOf = ({ port, protocol }: URL) => Number(port || (protocol === "https:" ? 443 : 80));

/** Connects to one of these addresses and nowhere else. The certificate is checked against the name. */
const pin =
  (addresses: readonly string[]): LookupFunction =>
  (_name, { all }, done) => {
    const found = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
    const [first] = found;
    if (all) done(null, found);
    else done(null, first?.address ?? "", first?.family);
  };

/** Makes one request. What is left of it ends with the signal. */
function exchange(
  { url: text, method = "POST", headers, body = "" }: OutboundRequest,
  addresses: readonly string[] | undefined,
  clock: Clock,
  signal: AbortSignal,
): Promise<OutboundResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<OutboundResponse>();
  const url = new URL(text);
  const isSecure = url.protocol === "https:";
  const request = (isSecure ? https : http).request({
    method,
    hostname: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: portOf(url),
    path: url.pathname + url.search,
    headers: {
      "user-agent": "Parley",
      "accept-encoding": "identity",
      ...headers,
      ...(method === "POST" && { "content-length": Buffer.byteLength(body) }),
    },
    agent: addresses ? false : KEPT[isSecure ? "https" : "http"],
    maxHeaderSize: HEADERS_MAX,
    ...(addresses && { lookup: pin(addresses) }),
  });
  const fail = (fault: OutboundFault) => reject(new OutboundError(fault));
  let isConnected = false;
  const cancel = clock.after(CONNECT_MS, () => fail("unreachable"));
  const connected = () => {
    isConnected = true;
    cancel();
  };
  request.on("socket", (socket) => {
    if (addresses || socket.connecting) socket.once(isSecure ? "secureConnect" : "connect", connected);
    else connected();
  });
  request.on("error", (error: NodeJS.ErrnoException) =>
    fail(isConnected ? "broken" : isOfCertificate(error) ? "untrusted" : "unreachable"),
  );
  let preludes = 0;
  request.on("information", () => {
    if (++preludes > PRELUDES_MAX) fail("broken");
  });
  request.on("response", (response) => void readBody(response).then(resolve, () => fail("broken")));
  signal.addEventListener("abort", () => {
    cancel();
    request.destroy();
  });
  request.end(method === "POST" ? body : undefined);
  return promise;
}

const isOfCertificate = ({ code = "" }: NodeJS.ErrnoException) =>
  /CERT|SELF_SIGNED|ISSUER|SIGNATURE|TLS_/.test(code);

/** Reads as much of a body as anyone may send. The rest is not awaited. */
async function readBody(response: IncomingMessage): Promise<OutboundResponse> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    parts.push(part);
    size += part.length;
    if (size > BODY_MAX) break;
  }
  const { statusCode: status = 0, headers } = response;
  return { status, headers, body: Buffer.concat(parts).subarray(0, BODY_MAX), isCut: size > BODY_MAX };
}
