import type { Clock } from "../clock.ts";

// How push services know who sends (VAPID, RFC 8292).

/** How long a signature is used, and for how long it is valid: push services allow a day at most. */
const USED_MS = 6 * 3600_000;
const VALID_MS = 12 * 3600_000;
/** The most push services whose signatures are remembered. */
const REMEMBERED = 100;

const ECDSA = { name: "ECDSA", namedCurve: "P-256" } as const;
const encoded = (value: object | Uint8Array) =>
  Buffer.from(value instanceof Uint8Array ? value : JSON.stringify(value)).toString("base64url");

/** Creates a private key, as a JWK in JSON. */
export async function createPushKey(): Promise<string> {
  const { privateKey } = (await crypto.subtle.generateKey(ECDSA, true, ["sign", "verify"])) as CryptoKeyPair;
  const { kty, crv, x, y, d } = await crypto.subtle.exportKey("jwk", privateKey);
  return JSON.stringify({ kty, crv, x, y, d });
}

export interface Vapid {
  /** The public key, base64url. Browsers bind subscriptions to it. */
  readonly publicKey: string;
  /** Returns the `Authorization` header of a request. */
  authorize(endpoint: string): Promise<string>;
}

/** `key`: a private key of {@link createPushKey}. `subject`: how push services reach the operator, a `mailto:` or https URL. */
export async function createVapid(key: string, subject: string, clock: Clock): Promise<Vapid> {
  const jwk = JSON.parse(key) as JsonWebKey;
  const privateKey = await crypto.subtle.importKey("jwk", jwk, ECDSA, false, ["sign"]);
  const [x = "", y = ""] = [jwk.x, jwk.y];
  const publicKey = encoded(
    Buffer.concat([Uint8Array.of(4), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]),
  );
  const signed = new Map<string, { readonly at: number; readonly header: Promise<string> }>();

  async function sign(audience: string): Promise<string> {
    const exp = Math.floor((clock.now() + VALID_MS) / 1000);
    const claims = `${encoded({ typ: "JWT", alg: "ES256" })}.${encoded({ aud: audience, exp, sub: subject })}`;
    const signature = await crypto.subtle.sign(
      { name: "ECDSA", hash: "SHA-256" },
      privateKey,
      new TextEncoder().encode(claims),
    );
    return `vapid t=${claims}.${encoded(new Uint8Array(signature))}, k=${publicKey}`;
  }

  return {
    publicKey,
    authorize(endpoint) {
      const { origin } = new URL(endpoint);
      const known = signed.get(origin);
      const now = clock.monotonic();
      if (known && now - known.at < USED_MS) return known.header;
      const header = sign(origin);
      signed.delete(origin);
      signed.set(origin, { at: now, header });
      for (const eldest of signed.keys().take(Math.max(0, signed.size - REMEMBERED))) signed.delete(eldest);
      return header;
    },
  };
}
