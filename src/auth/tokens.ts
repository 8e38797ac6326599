import { decodeJwt, errors, jwtVerify, SignJWT } from "jose";
import * as v from "valibot";
import type { Clock } from "../clock.ts";
import { refuseIfAway } from "../db/away.ts";
import { Refusal } from "../errors.ts";
import type { Bearer } from "../identity.ts";
import type { Keys } from "./keys.ts";
import { createVerified } from "./verified.ts";

/** The audience of our access tokens: this program. */
export const AUDIENCE = "parley";
/** Tolerance for differences between the clocks of nodes. */
export const TOLERANCE_S = 5;
const CACHE_MAX = 20_000;

/** The claims of our own tokens. `name` is the username, because it was there before display names. */
const CLAIMS = v.object({
  sub: v.pipe(v.string(), v.regex(/^[1-9]\d{0,14}$/), v.transform(Number)),
  sid: v.pipe(v.string(), v.uuid()),
  name: v.string(),
  uid: v.string(),
  display: v.optional(v.string()),
  picture: v.optional(v.nullable(v.string()), null),
  exp: v.number(),
});

/** The person and session that a token is issued for. */
export interface Subject extends Pick<Bearer, "userId" | "username" | "user" | "picture"> {
  readonly sessionId: string;
}

/** Our own access tokens: JWTs as in RFC 9068, signed with Ed25519 (RFC 8037). */
export interface Tokens {
  issue(subject: Subject): Promise<string>;
  /**
   * Checks a token's signature, issuer, audience, type and times, and returns its claims. Does not check
   * whether the person and session still exist.
   * @throws {Refusal} token_invalid, token_expired; unavailable if its key cannot be looked up right now.
   */
  verify(token: string): Promise<Bearer>;
  /** Whether a token was issued or verified here before, so that checking it costs next to nothing. */
  knows(token: string): boolean;
}

interface TokensOptions {
  readonly issuer: string;
  readonly keys: Keys;
  readonly ttlMs: number;
  readonly clock: Clock;
}

export function createTokens({ issuer, keys, ttlMs, clock }: TokensOptions): Tokens {
  const verified = createVerified<Bearer & { readonly keyId: string }>({
    clock,
    max: CACHE_MAX,
    toleranceMs: TOLERANCE_S * 1000,
  });

  /** One string for each key, because every connection keeps its own. */
  const keyIds = new Map<string, string>();

  const remember = (token: string, about: Subject & Pick<Bearer, "expiresAt">, kid: string) => {
    const found = { ...about, grants: null, keyId: keyIds.getOrInsert(kid, kid) };
    verified.set(token, found);
    return found;
  };

  const keyOf = async (kid: string | undefined, token: string) => {
    const key = kid === undefined ? undefined : await keys.verifier(kid);
    if (key) return key;
    // A key is dropped once everything it signed has expired, so report an expired token as expired.
    const { exp } = decodeJwt(token);
    throw new Refusal(exp !== undefined && exp * 1000 <= clock.now() ? "token_expired" : "token_invalid");
  };

  async function check(token: string): Promise<Bearer> {
    const { payload, protectedHeader } = await jwtVerify(token, ({ kid }) => keyOf(kid, token), {
      algorithms: ["EdDSA"],
      typ: "at+jwt",
      issuer,
      audience: AUDIENCE,
      requiredClaims: ["exp", "iat", "jti", "sub", "sid"],
      clockTolerance: TOLERANCE_S,
      currentDate: new Date(clock.now()),
    });
    // Tokens from before there were ids: their clients refresh them.
    if (payload.uid === undefined) throw new Refusal("token_expired");
    const { sub, sid, name, uid, display, picture, exp } = v.parse(CLAIMS, payload);
    const user = { id: uid, name: display };
    const about = { userId: sub, username: name, user, picture, sessionId: sid, expiresAt: exp * 1000 };
    return remember(token, about, protectedHeader.kid ?? "");
  }

  return {
    async issue({ userId, username, user, picture, sessionId }) {
      const { kid, key } = keys.signer();
      const now = Math.floor(clock.now() / 1000);
      const exp = now + Math.floor(ttlMs / 1000);
      const token = await new SignJWT({
        ...{ sid: sessionId, name: username, uid: user.id },
        ...(user.name !== undefined && { display: user.name }),
        ...(picture !== null && { picture }),
      })
        .setProtectedHeader({ alg: "EdDSA", typ: "at+jwt", kid })
        .setIssuer(issuer)
        .setAudience(AUDIENCE)
        .setSubject(String(userId))
        .setIssuedAt(now)
        .setExpirationTime(exp)
        .setJti(crypto.randomUUID())
        .sign(key);
      // It is good without a check: otherwise it would be refused while strangers flood its person's network.
      remember(token, { userId, username, user, picture, sessionId, expiresAt: exp * 1000 }, kid);
      return token;
    },
    knows: (token) => verified.get(token) !== undefined,
    async verify(token) {
      const known = verified.get(token);
      if (known && keys.accepts(known.keyId)) return known;
      return check(token).catch(refuseToken);
    },
  };
}

/**
 * Rethrows the error of a verification. Refuses the token only if the token is at fault: after an outage, clients would
 * otherwise discard a good token.
 */
export function refuseToken(error: unknown): never {
  if (error instanceof errors.JWTExpired) throw new Refusal("token_expired");
  if (error instanceof errors.JOSEError || error instanceof v.ValiError) throw new Refusal("token_invalid");
  return refuseIfAway(error);
}
