import { createDecipheriv, createECDH, type ECDH, hkdfSync, randomBytes } from "node:crypto";
import { importJWK, jwtVerify } from "jose";
import type { Payload } from "../../src/push/payload.ts";
import type { Post, Subscription } from "../../src/push/ports.ts";

/** A push that arrived: decrypted by the keys of its device, and signed by whoever it says. */
export interface Arrived {
  readonly device: string;
  readonly payload: Payload;
  readonly headers: Headers;
  /** The claims of the signature, and the key that signed it. */
  readonly claims: { readonly aud?: unknown; readonly sub?: string; readonly exp?: number };
  readonly key: string;
}

export interface PushService {
  readonly url: string;
  readonly arrived: readonly Arrived[];
  /** The pushes to a device so far. */
  at(device: string): readonly Arrived[];
  /** Makes a device. Its subscription is what a browser would give to a page. */
  device(name: string): Subscription;
  /** What to respond instead of 201. */
  respond: (device: string, body: Uint8Array) => Response | Promise<Response> | undefined;
  stop(): void;
}

const hkdf = (secret: Uint8Array, salt: Uint8Array, info: Uint8Array | string, length: number) =>
  Buffer.from(hkdfSync("sha256", secret, salt, info, length));

/** Decrypts the body of a push, as a browser does (RFC 8291). */
export function decrypt(body: Uint8Array, keys: ECDH, auth: Uint8Array): string {
  const bytes = Buffer.from(body);
  const [salt, length] = [bytes.subarray(0, 16), bytes[20] ?? 0];
  const sender = bytes.subarray(21, 21 + length);
  const sealed = bytes.subarray(21 + length);
  const info = Buffer.concat([Buffer.from("WebPush: info\0"), keys.getPublicKey(), sender]);
  const secret = hkdf(keys.computeSecret(sender), auth, info, 32);
  const key = hkdf(secret, salt, "Content-Encoding: aes128gcm\0", 16);
  const nonce = hkdf(secret, salt, "Content-Encoding: nonce\0", 12);
  const open = createDecipheriv("aes-128-gcm", key, nonce);
  open.setAuthTag(sealed.subarray(-16));
  const plain = Buffer.concat([open.update(sealed.subarray(0, -16)), open.final()]);
  const end = plain.lastIndexOf(2);
  if (plain.subarray(end + 1).some((byte) => byte !== 0))
    throw new Error("the padding has other bytes than 0");
  return plain.subarray(0, end).toString();
}

/** Checks the signature of a push (RFC 8292). */
async function verify(header: string) {
  const [, token = "", key = ""] = /^vapid t=([^,]+), k=(.+)$/.exec(header) ?? [];
  const point = Buffer.from(key, "base64url");
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString("base64url"));
  const publicKey = await importJWK({ kty: "EC", crv: "P-256", x: x ?? "", y: y ?? "" }, "ES256");
  const { payload } = await jwtVerify(token, publicKey);
  return { claims: payload, key };
}

/** A push service that takes only what is encrypted for its devices and signed. */
export function startPushService(): PushService {
  const devices = new Map<string, { readonly keys: ECDH; readonly auth: Uint8Array }>();
  const arrived: Arrived[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const name = decodeURIComponent(new URL(request.url).pathname.slice(1));
      const device = devices.get(name);
      if (!device) return new Response("unknown", { status: 404 });
      const body = await request.bytes();
      const instead = await service.respond(name, body);
      if (instead) return instead;
      const { headers } = request;
      if (headers.get("content-encoding") !== "aes128gcm" || !headers.get("ttl"))
        return new Response("bad headers", { status: 400 });
      const signed = await verify(headers.get("authorization") ?? "").catch(() => undefined);
      if (!signed) return new Response("bad signature", { status: 403 });
      const payload = JSON.parse(decrypt(body, device.keys, device.auth)) as Payload;
      arrived.push({ device: name, payload, headers, ...signed });
      return new Response(null, { status: 201 });
    },
  });
  const url = server.url.origin;
  const service: PushService = {
    url,
    arrived,
    at: (device) => arrived.filter((one) => one.device === device),
    device(name) {
      const keys = createECDH("prime256v1");
      keys.generateKeys();
      const auth = randomBytes(16);
      devices.set(name, { keys, auth });
      return {
        endpoint: `${url}/${encodeURIComponent(name)}`,
        p256dh: keys.getPublicKey("base64url"),
        auth: auth.toString("base64url"),
      };
    },
    respond: () => undefined,
    stop: () => void server.stop(true),
  };
  return service;
}

/** Sends requests without checking where they lead. */
export const posting =
  (timeoutMs = 5_000): Post =>
  async (url, headers, body) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await fetch(url, { method: "POST", headers, body: body as BufferSource, signal });
    return { status: response.status, retryAfter: response.headers.get("retry-after") };
  };
