import { exportJWK, generateKeyPair, SignJWT } from "jose";

/** What a token allows: rooms by name, in which `*` stands for anything, and what may be done there. */
export interface Grant {
  readonly match: string;
  readonly allow: readonly ("read" | "post")[];
}

// Yours is kept somewhere safe and outlives a restart: whoever has it can be anybody in the chat.
const { privateKey, publicKey } = await generateKeyPair("ES256");

/** What AUTH_JWKS_URL answers: the public half of the key. */
export const keySet = { keys: [{ ...(await exportJWK(publicKey)), kid: "one", alg: "ES256" }] };

/** A token for the chat. `id` is who someone is, for ever; `name` is what others see. */
export const tokenFor = (id: string, name: string, rooms: readonly Grant[]): Promise<string> =>
  new SignJWT({ preferred_username: name, rooms })
    .setProtectedHeader({ alg: "ES256", kid: "one" })
    .setIssuer("https://shop.example.com") // AUTH_ISSUER
    .setAudience("chat") // AUTH_AUDIENCE
    .setSubject(id)
    .setIssuedAt()
    .setExpirationTime("10m")
    .sign(privateKey);
