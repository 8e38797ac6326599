import { and, eq } from "drizzle-orm";
import { type JWTPayload, jwtVerify } from "jose";
import * as v from "valibot";
import type { Clock } from "../clock.ts";
import type { Orm, Pool } from "../db/database.ts";
import { users } from "../db/schema.ts";
import { Refusal } from "../errors.ts";
import { grantsOf } from "../grants.ts";
import type { Bearer } from "../identity.ts";
import type { Log } from "../log.ts";
import { text } from "../protocol/text.ts";
import { createKeySet, STALE_MS } from "./keyset.ts";
import { TOLERANCE_S, tokenRefusal } from "./tokens.ts";
import { namesFor } from "./usernames.ts";
import { createUser } from "./erasure.ts";
import type { User } from "./users.ts";
import { createVerified } from "./verified.ts";

/** Asymmetric algorithms only: with a shared secret, anyone who can verify tokens can also forge them. */
const ALGORITHMS = ["EdDSA", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"];
/** Limits the lifetime of these tokens, because they cannot be revoked before they expire. */
const LIFETIME_MAX_S = 24 * 3600;
if (STALE_MS < LIFETIME_MAX_S * 1000) throw new Error("a key set must stay in use as long as a token lives");
const CACHE_MAX = 20_000;
/**
 * No type, a plain JWT or an access token (RFC 9068). Excludes logout tokens and proofs, which the same keys
 * may sign.
 */
const TYPE = /^(application\/)?(at\+)?jwt$/i;

const CLAIMS = v.object({
  sub: text({ min: 1, max: 255 }),
  exp: v.number(),
  iat: v.optional(v.number()),
  /** When the person logged in (OpenID Connect Core, section 2). */
  auth_time: v.fallback(v.optional(v.number()), undefined),
});
const NAME = text({ min: 1, max: 256 });

/** Identities of a product's own identity provider. */
export interface Outside {
  readonly issuer: string;
  /**
   * Returns the person behind a token of the provider. People are identified by issuer and subject alone, and
   * created on first sight.
   * @throws {Refusal} token_invalid, token_expired; unavailable if the provider's keys cannot be read.
   */
  verify(token: string): Promise<Bearer>;
}

interface OutsideOptions {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly log: Log;
  readonly url: string;
  readonly issuer: string;
  readonly audience: string;
  readonly erasureKey: string;
}

export function createOutside(options: OutsideOptions): Outside {
  const { clock, log, url, issuer, audience } = options;
  const empty = () => createVerified<Bearer>({ clock, max: CACHE_MAX, toleranceMs: TOLERANCE_S * 1000 });
  let verified = empty();
  // A changed key set invalidates all earlier results. A check still in progress stores its result in the old
  // cache.
  const keySet = createKeySet({ url, clock, log, onChange: () => (verified = empty()) });

  async function check(token: string): Promise<Bearer> {
    const cache = verified;
    const { payload, protectedHeader } = await jwtVerify(token, keySet.keyOf, {
      algorithms: ALGORITHMS,
      issuer,
      audience,
      requiredClaims: ["exp", "sub"],
      clockTolerance: TOLERANCE_S,
      currentDate: new Date(clock.now()),
    });
    if (!TYPE.test(protectedHeader.typ ?? "JWT")) throw new Refusal("token_invalid");
    const { sub, exp, iat: issued, auth_time: loggedIn = issued } = v.parse(CLAIMS, payload);
    const iat = issued ?? clock.now() / 1000;
    if (exp - iat > LIFETIME_MAX_S + TOLERANCE_S)
      throw new Refusal("token_invalid", { detail: "The token's lifetime exceeds 24 hours." });
    const grants = grantsOf(payload.rooms);
    const { id, username } = await personOf(options, sub, payload);
    const loggedInAt = loggedIn && loggedIn * 1000;
    const bearer = { userId: id, username, sessionId: null, expiresAt: exp * 1000, loggedInAt, grants };
    cache.set(token, bearer);
    return bearer;
  }

  return {
    issuer,
    async verify(token) {
      await keySet.refresh();
      return verified.get(token) ?? check(token).catch(refuse);
    },
  };
}

function refuse(error: unknown): never {
  throw tokenRefusal(error);
}

async function personOf(
  { pool, issuer, erasureKey }: OutsideOptions,
  subject: string,
  claims: JWTPayload,
): Promise<User> {
  const find = async () => {
    const same = and(eq(users.issuer, issuer), eq(users.subject, subject));
    return (await pool.run((orm) => orm.select().from(users).where(same)))[0];
  };
  const wanted = [claims.preferred_username, claims.name].find((name) => v.is(NAME, name)) as
    string | undefined;
  const create = (tx: Orm) => createUser(tx, { issuer, subject }, namesFor(wanted), erasureKey);
  const made = (await find()) ?? (await pool.run((orm) => orm.transaction(create)));
  // "values taken": another request has just created this person.
  const person = typeof made === "string" ? await find() : made;
  if (!person) throw new Error("no username is free for a new person");
  return person;
}
