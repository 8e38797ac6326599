import { exportJWK, generateKeyPair, SignJWT } from "jose";
import type { Person } from "./shop.ts";

// Keep your own key in a safe place where it survives restarts. Anyone who has it can impersonate everyone in the chat.
const { privateKey, publicKey } = await generateKeyPair("ES256");

/** The key set that AUTH_JWKS_URL returns: the public half of the key. */
export const keySet = { keys: [{ ...(await exportJWK(publicKey)), kid: "one", alg: "ES256" }] };

/** Returns a token for the chat. `id` identifies a person for ever; the name and the picture are what others see. */
export const tokenFor = (id: string, person?: Person): Promise<string> =>
  new SignJWT({ ...person })
    .setProtectedHeader({ alg: "ES256", kid: "one" })
    .setIssuer("https://shop.example.com") // AUTH_ISSUER
    .setAudience("chat") // AUTH_AUDIENCE
    .setSubject(id)
    .setIssuedAt()
    .setExpirationTime("10m")
    .sign(privateKey);
