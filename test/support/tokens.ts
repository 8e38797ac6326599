import {
  calculateJwkThumbprint,
  decodeJwt,
  exportJWK,
  generateKeyPair,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from "jose";

/** A signing key that a test shares with the server, for valid and invalid tokens. */
export interface Mint {
  /** Settings that make a server use the key. */
  readonly settings: { readonly JWT_PRIVATE_KEY: string; readonly PUBLIC_URL: string };
  /** The public key as a JWK in JSON. */
  readonly publicKey: string;
  /** Returns a copy of `token` with these claims changed; undefined removes a claim. */
  alter(token: string, claims: JWTPayload, header?: Partial<JWTHeaderParameters>): Promise<string>;
  /** Returns a copy of `token` signed with another key. */
  forge(token: string, key: CryptoKey | Uint8Array, header?: Partial<JWTHeaderParameters>): Promise<string>;
}

export async function createMint(): Promise<Mint> {
  const { privateKey } = await generateKeyPair("Ed25519", { extractable: true });
  const { d, ...publicJwk } = await exportJWK(privateKey);
  const kid = await calculateJwkThumbprint(publicJwk);
  const sign = (claims: JWTPayload, key: CryptoKey | Uint8Array, header: Partial<JWTHeaderParameters>) =>
    new SignJWT(claims).setProtectedHeader({ alg: "EdDSA", typ: "at+jwt", kid, ...header }).sign(key);
  return {
    settings: {
      JWT_PRIVATE_KEY: JSON.stringify({ ...publicJwk, d }),
      PUBLIC_URL: "https://chat.example.com",
    },
    publicKey: JSON.stringify(publicJwk),
    alter: (token, claims, header = {}) => sign({ ...decodeJwt(token), ...claims }, privateKey, header),
    forge: (token, key, header = {}) => sign(decodeJwt(token), key, header),
  };
}

/** Returns a copy of `token` without a signature (RFC 7519, section 6). */
export function unsigned(token: string): string {
  const header = Buffer.from(JSON.stringify({ alg: "none", typ: "at+jwt" })).toString("base64url");
  return `${header}.${token.split(".")[1]}.`;
}

/** Returns the time this many seconds from now, in seconds since 1970. */
export const inSeconds = (seconds: number) => Date.now() / 1000 + seconds;
