import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";

const ISSUER = "https://id.example.com";
const AUDIENCE = "chat";

/** An external identity provider: a cheap source of any number of people without a Parley account. */
export interface Provider {
  /** Settings that make a server accept its tokens. */
  readonly settings: Readonly<Record<"AUTH_JWKS_URL" | "AUTH_ISSUER" | "AUTH_AUDIENCE", string>>;
  /** Returns a token for a username, which is the subject too. It is valid for an hour. The claims may say otherwise. */
  tokenOf(name: string, claims?: JWTPayload): Promise<string>;
  stop(): Promise<void>;
}

/** Starts a provider that serves its key set on a free port. */
export async function startProvider(): Promise<Provider> {
  const { privateKey, publicKey } = await generateKeyPair("ES256");
  const key = { ...(await exportJWK(publicKey)), kid: "one", alg: "ES256" };
  const server = Bun.serve({ port: 0, reusePort: false, fetch: () => Response.json({ keys: [key] }) });
  return {
    settings: { AUTH_JWKS_URL: server.url.href, AUTH_ISSUER: ISSUER, AUTH_AUDIENCE: AUDIENCE },
    tokenOf: (name, claims = {}) =>
      new SignJWT({ exp: Date.now() / 1000 + 3600, ...claims, preferred_username: name })
        .setProtectedHeader({ alg: "ES256", kid: "one" })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setSubject(claims.sub ?? name)
        .setIssuedAt(claims.iat)
        .sign(privateKey),
    stop: () => server.stop(true),
  };
}
