import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";

const ISSUER = "https://id.example.com";
const AUDIENCE = "chat";

/** A product's own identity provider: people without an account here, as many as are wanted, at no cost. */
export interface Provider {
  /** Settings that make a server take its tokens. */
  readonly settings: Readonly<Record<"AUTH_JWKS_URL" | "AUTH_ISSUER" | "AUTH_AUDIENCE", string>>;
  /** A token for someone of that name, for an hour unless the claims say otherwise. */
  tokenOf(name: string, claims?: JWTPayload): Promise<string>;
  stop(): Promise<void>;
}

/** Starts one, with its key set on a free port. */
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
        .setSubject(name)
        .setIssuedAt()
        .sign(privateKey),
    stop: () => server.stop(true),
  };
}
