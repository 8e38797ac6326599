import { and, eq } from "drizzle-orm";
import {
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  jwtVerify,
  type ProtectedHeaderParameters,
} from "jose";
import * as v from "valibot";
import type { Clock } from "../clock.ts";
import type { Orm, Pool } from "../db/database.ts";
import { users } from "../db/schema.ts";
import { Refusal } from "../errors.ts";
import { grantsOf } from "../grants.ts";
import type { Bearer } from "../identity.ts";
import type { Log } from "../log.ts";
import { personOf } from "../person.ts";
import { nameOfClaim, pictureOfClaim } from "../protocol/names.ts";
import { text } from "../protocol/text.ts";
import type { SecurityLog } from "../security.ts";
import { ALGORITHMS } from "./jwkset.ts";
import { setProfile } from "./people.ts";
import { freeUid } from "./uids.ts";
import { createKeySet, type Signature, STALE_MS } from "./keyset.ts";
import { TOLERANCE_S, refuseToken } from "./tokens.ts";
import { namesFor } from "./usernames.ts";
import { createUser } from "./erasure.ts";
import type { User } from "./users.ts";
import { createVerified } from "./verified.ts";

/** Limits the lifetime of these tokens, because they cannot be revoked before they expire. */
const LIFETIME_MAX_S = 24 * 3600;
if (STALE_MS < LIFETIME_MAX_S * 1000) throw new Error("a key set must stay in use as long as a token lives");
const CACHE_MAX = 20_000;
/**
 * No type, a plain JWT or an access token (RFC 9068). Excludes logout tokens and proofs, which the same keys
 * may sign.
 */
const TYPE = /^(application\/)?(at\+)?jwt$/i;

const SUBJECT = text({ min: 1, max: 255 });
const TIME = v.optional(v.number("must be a number"));
/** When the person logged in (OpenID Connect Core, section 2). */
const AUTH_TIME = v.fallback(v.optional(v.number()), undefined);
const NAME = text({ min: 1, max: 256 });
/** How many times the usual budgets a token may give. */
const BUDGET_MAX = 100;
const BUDGET = v.optional(
  v.pipe(
    v.number("must be a number"),
    v.integer("must be a whole number"),
    v.minValue(1, "must be at least 1"),
    v.maxValue(BUDGET_MAX, `must be at most ${BUDGET_MAX}`),
  ),
);

/** Identities of a product's own identity provider. */
export interface Outside {
  readonly issuer: string;
  /**
   * Returns the person behind a token of the provider. People are identified by issuer and subject alone, and
   * created on first sight.
   * @throws {Refusal} token_invalid, token_expired; unavailable if the provider's keys cannot be read.
   */
  verify(token: string): Promise<Bearer>;
  /** Rereads the provider's keys if they are older than 5 minutes. @throws {Refusal} unavailable. */
  refresh(): Promise<void>;
  /** Whether tokens signed with that key are still accepted. */
  accepts(keyId: string): boolean;
  /** Whether a token was verified before, so that checking it again costs next to nothing. */
  knows(token: string): boolean;
}

interface OutsideOptions {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly log: Log;
  readonly url: string;
  readonly issuer: string;
  readonly audience: string;
  readonly erasureKey: string;
  readonly security: Pick<SecurityLog, "record">;
}

export function createOutside(options: OutsideOptions): Outside {
  const { clock, log, security, url, issuer, audience } = options;
  const empty = () => createVerified<Bearer>({ clock, max: CACHE_MAX, toleranceMs: TOLERANCE_S * 1000 });
  let verified = empty();
  // A changed key set invalidates all earlier results. A check still in progress stores its result in the old
  // cache.
  const keySet = createKeySet({ url, clock, log, onChange: () => (verified = empty()) });

  /** Refuses a token that the provider has signed, and says which claim is at fault. It can only be fixed there. */
  function refuseClaim(claim: string, problem: string): never {
    security.record("token.refuse", { claim, problem });
    throw new Refusal("token_invalid", { detail: `The claim ${claim} of the token ${problem}.` });
  }

  function read<T>(claim: string, parse: () => T): T {
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof v.ValiError)) throw error;
      const [{ path, message }] = error.issues;
      const at = path?.[0]?.key;
      return refuseClaim(typeof at === "number" ? `${claim}[${at}]` : claim, message);
    }
  }

  /** Verifies the signature with each key that may have made it. Returns the claims and the key. */
  async function verify(token: string, signature: Signature) {
    for (;;) {
      const keys = await keySet.keysFor(signature);
      for (const key of keys) {
        const found = await verifyWith(token, await key.of(signature.alg));
        if (found) return { ...found, key };
      }
      if (keys.length === 0 || !(await keySet.doubt(signature, keys))) throw new Refusal("token_invalid");
    }
  }

  /** Returns undefined if the signature is of another key. */
  const verifyWith = (token: string, key: CryptoKey) =>
    jwtVerify(token, key, {
      algorithms: ALGORITHMS,
      issuer,
      audience,
      requiredClaims: ["exp", "sub"],
      clockTolerance: TOLERANCE_S,
      currentDate: new Date(clock.now()),
    }).catch((error: unknown) => {
      if (error instanceof errors.JWSSignatureVerificationFailed) return undefined;
      if (error instanceof errors.JWTClaimValidationFailed)
        return refuseClaim(error.claim, error.reason === "missing" ? "is missing" : "is not as expected");
      throw error;
    });

  async function check(token: string): Promise<Bearer> {
    const cache = verified;
    const { payload, protectedHeader, key } = await verify(token, signatureOf(token));
    if (!TYPE.test(protectedHeader.typ ?? "JWT")) refuseClaim("typ", "is neither JWT nor at+jwt");
    const sub = read("sub", () => v.parse(SUBJECT, payload.sub));
    const exp = read("exp", () => v.parse(v.number("must be a number"), payload.exp));
    const issued = read("iat", () => v.parse(TIME, payload.iat));
    const now = clock.now() / 1000;
    if (exp - Math.min(issued ?? now, now) > LIFETIME_MAX_S + TOLERANCE_S)
      refuseClaim("exp", "is more than 24 hours after iat, or from now");
    const grants = read("rooms", () => grantsOf(payload.rooms));
    const budget = read("budget", () => v.parse(BUDGET, payload.budget));
    const loggedIn = v.parse(AUTH_TIME, payload.auth_time) ?? issued;
    // Times in tokens are in seconds: this is the last moment at which it may have been issued, which is now at the latest.
    const at = new Date(Math.min((issued ?? now) + 0.999, now) * 1000);
    const person = await visitor(options, sub, payload, at);
    const bearer = {
      userId: person.id,
      username: person.username,
      user: personOf(person),
      picture: person.picture,
      sessionId: null,
      expiresAt: exp * 1000,
      loggedInAt: loggedIn && loggedIn * 1000,
      grants,
      budget,
      keyId: key.id,
    };
    cache.set(token, bearer);
    return bearer;
  }

  return {
    issuer,
    refresh: () => keySet.refresh(),
    accepts: (keyId) => keySet.has(keyId),
    knows: (token) => verified.get(token) !== undefined,
    async verify(token) {
      await keySet.refresh();
      return verified.get(token) ?? check(token).catch(refuseToken);
    },
  };
}

/** @throws {Refusal} token_invalid. */
function signatureOf(token: string): Signature {
  const { alg, kid } = readHeader(token);
  if (typeof alg !== "string" || !ALGORITHMS.includes(alg)) throw new Refusal("token_invalid");
  if (kid !== undefined && typeof kid !== "string") throw new Refusal("token_invalid");
  return { alg, kid };
}

function readHeader(token: string): ProtectedHeaderParameters {
  try {
    return decodeProtectedHeader(token);
  } catch {
    throw new Refusal("token_invalid");
  }
}

/** Returns the person with a subject, as their token says. Their profile is written only if it changed. */
async function visitor(
  { pool, issuer, erasureKey }: OutsideOptions,
  subject: string,
  claims: JWTPayload,
  at: Date,
): Promise<User> {
  const find = async () => {
    const same = and(eq(users.issuer, issuer), eq(users.subject, subject));
    return (await pool.run((orm) => orm.select().from(users).where(same)))[0];
  };
  const wanted = [claims.preferred_username, claims.name].find((name) => v.is(NAME, name)) as
    string | undefined;
  const profile = { name: nameOfClaim(claims.name), picture: pictureOfClaim(claims.picture) };
  const create = async (tx: Orm) => {
    const { name = null, picture = null } = profile;
    const values = { issuer, subject, uid: await freeUid(tx, subject), name, picture, describedAt: at };
    return createUser(tx, values, namesFor(wanted), erasureKey);
  };
  const made = (await find()) ?? (await pool.run((orm) => orm.transaction(create)));
  // "values taken": another request has just created this person.
  const person = typeof made === "string" ? await find() : made;
  if (!person) throw new Error("no username is free for a new person");
  // Nobody is the server itself, whatever a provider says.
  if (person.id === 0) throw new Refusal("token_invalid");
  return setProfile(pool, person, profile, at);
}
