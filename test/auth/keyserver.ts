import { exportJWK, generateKeyPair } from "jose";

/** A signing key of the provider. */
export async function makeKey(kid: string, alg = "ES256") {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg } };
}
export type Key = Awaited<ReturnType<typeof makeKey>>;

/** Serves an identity provider's key set on a real port. Its keys can change, and it can go away and come back. */
export function startProvider(port = 0) {
  const state = {
    keys: [] as object[],
    requests: 0,
    answer: undefined as (() => Response | Promise<Response>) | undefined,
  };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port,
    reusePort: false,
    fetch() {
      state.requests++;
      return state.answer?.() ?? Response.json({ keys: state.keys });
    },
  });
  return Object.assign(state, {
    port: server.port ?? 0,
    url: `${server.url}jwks.json`,
    stop: () => server.stop(true),
  });
}
