import { decodeJwt, type JSONWebKeySet } from "jose";
import type { Bus } from "../bus/bus.ts";
import { createLocalBus } from "../bus/local.ts";
import type { Clock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import type { Database } from "../db/database.ts";
import type { Meta } from "../db/meta.ts";
import { Refusal } from "../errors.ts";
import type { EndReason, Identity, Login } from "../identity.ts";
import { TOKEN_MAX } from "../protocol/limits.ts";
import { type LimiterStore, memoryLimiters } from "../limits/limiter.ts";
import type { Log } from "../log.ts";
import type { SecurityLog } from "../security.ts";
import { type Accounts, createAccounts } from "./accounts.ts";
import { type ApiKeys, createApiKeys } from "./apikeys.ts";
import { createAttempts } from "./attempts.ts";
import { createConfirming } from "./confirming.ts";
import { eraseRegularly, type Erasing } from "./erasure.ts";
import { createIncoming, type IncomingHooks } from "./incoming.ts";
import { createKeys, type Keys } from "./keys.ts";
import { createOutside, type Outside } from "./outside.ts";
import { createPasswords } from "./passwords.ts";
import { createPeople, type People } from "./people.ts";
import { createPost } from "./post.ts";
import { createRecovery, type Recovery } from "./recovery.ts";
import { createSessions, type Sessions } from "./sessions.ts";
import { createStanding, type Logins } from "./standing.ts";
import { createTokens } from "./tokens.ts";
import { fillSkeletons } from "./users.ts";

/** Accounts, sessions and tokens: the API of this folder. */
export interface Auth {
  /**
   * Returns the person behind an access token, ours or an outside identity's, whose session and account are alive.
   * @throws {Refusal} token_invalid, token_expired, session_ended, account_disabled; `unavailable` if that cannot be
   * checked right now.
   */
  authenticate(token: string): Promise<Identity>;
  /** Whether a token was verified before, so that `authenticate` costs next to nothing. */
  knows(token: string): boolean;
  /** Our public keys as a JWK Set (RFC 7517): the current ones and those whose tokens may still be alive. */
  jwks(): Promise<JSONWebKeySet>;
  readonly accounts: Accounts;
  /** Undefined if this server sends no mails. */
  readonly recovery: Recovery | undefined;
  readonly sessions: Sessions;
  readonly apiKeys: ApiKeys;
  readonly incoming: IncomingHooks;
  readonly keys: Pick<Keys, "reread">;
  readonly people: People;
  /** For sockets that are open: whether their logins are still alive, and notice of those that ended. */
  readonly standing: Pick<Logins, "ask" | "end" | "forget" | "onEnded">;
  /** Stops background work. */
  stop(): void;
}

export interface AuthOptions {
  readonly database: Database;
  readonly config: AuthConfig;
  readonly meta: Meta;
  readonly clock: Clock;
  readonly log: Log;
  /** Notifies other nodes of access that ended. By default there are no others. */
  readonly bus?: Pick<Bus, "announce" | "listen">;
  /** Store for login and registration counters. Defaults to process memory. */
  readonly limiters?: LimiterStore;
  /** See {@link Erasing}. By default, people own nothing outside of this folder. */
  readonly passOn?: Erasing["passOn"];
  /** A mail waits to be sent. */
  readonly mailed?: () => void;
  /** By default, nothing is recorded. */
  readonly security?: Pick<SecurityLog, "record">;
}

export type AuthConfig = Pick<
  Config,
  | "ACCESS_TOKEN_TTL"
  | "ADMIN_TOKEN"
  | "AUTH_AUDIENCE"
  | "AUTH_ISSUER"
  | "AUTH_JWKS_URL"
  | "DELETE_AFTER"
  | "JWT_PRIVATE_KEY"
  | "LOGIN_RATE"
  | "PUBLIC_URL"
  | "REFRESH_TOKEN_TTL"
  | "REGISTRATION"
  | "SESSION_MAX_AGE"
  | "SMTP_URL"
>;

/**
 * Creates any missing keys and builds {@link Auth} around them.
 * @throws {ConfigError} if JWT_PRIVATE_KEY is not a key.
 */
export async function createAuth(options: AuthOptions): Promise<Auth> {
  const {
    database: pool,
    config,
    meta,
    clock,
    log,
    bus = createLocalBus(),
    limiters = memoryLimiters,
    security = { record() {} },
    mailed = () => {},
  } = options;
  await fillSkeletons(pool);
  const issuer = config.PUBLIC_URL ?? meta.instance;
  const [accessTtlMs, refreshTtlMs] = [config.ACCESS_TOKEN_TTL, config.REFRESH_TOKEN_TTL];

  const keys = await createKeys({
    pool,
    clock,
    log,
    configured: config.JWT_PRIVATE_KEY,
    accessTtlMs,
    refreshTtlMs,
    security,
  });
  const tokens = createTokens({ issuer, keys, ttlMs: accessTtlMs, clock });
  const standing = createStanding({ pool, clock, bus });
  const lifetime = { ttlMs: refreshTtlMs, maxAgeMs: config.SESSION_MAX_AGE };
  const sessions = createSessions({ pool, keys, tokens, standing, security, lifetime });
  const passwords = createPasswords({ parallel: Math.max(1, Math.floor(navigator.hardwareConcurrency / 2)) });
  const attempts = createAttempts({ rate: config.LOGIN_RATE, limiters });
  const registration = config.REGISTRATION;
  const { erasureKey } = meta;
  const confirming = createConfirming({ pool, passwords, attempts, security });
  const post = config.SMTP_URL === undefined ? undefined : createPost(mailed);
  const accounts = createAccounts({
    ...{ pool, passwords, attempts, confirming, sessions, standing, registration, security, clock },
    ...{ erasureKey, post },
  });
  const erasing = { afterMs: config.DELETE_AFTER, key: erasureKey, passOn: options.passOn };
  const stopErasing = eraseRegularly({ pool, clock, log, security }, erasing);
  const outside = outsideOf(options, security);

  return {
    accounts,
    recovery:
      post && createRecovery({ pool, passwords, confirming, standing, security, post, key: meta.mailKey }),
    sessions,
    keys,
    incoming: createIncoming({ pool, clock, erasureKey }),
    people: createPeople({ pool, issuer: outside?.issuer, erasureKey }),
    apiKeys: createApiKeys({
      pool,
      clock,
      limiters,
      security,
      configured: config.ADMIN_TOKEN,
      rate: config.LOGIN_RATE,
    }),
    standing: {
      ...standing,
      async ask(logins) {
        // Open sockets lose a key that the provider has removed, even if nobody else comes meanwhile.
        if (logins.some(({ sessionId }) => sessionId === null)) void outside?.refresh().catch(() => {});
        const statuses = await standing.ask(logins);
        const isVoid = ({ keyId }: Login) =>
          keyId !== undefined && !keys.accepts(keyId) && !outside?.accepts(keyId);
        return logins.map((login, index) =>
          isVoid(login) ? "session_ended" : (statuses[index] as "alive" | EndReason),
        );
      },
    },
    jwks: async () => keys.jwks(),
    knows: (token) => tokens.knows(token) || outside?.knows(token) === true,
    stop() {
      keys.stop();
      stopErasing();
    },
    async authenticate(token) {
      // The issuer is only a claim here; that issuer's keys then prove or refute it.
      const claimed = issuerOf(token);
      const verifier = claimed === issuer ? tokens : claimed === outside?.issuer ? outside : undefined;
      if (!verifier) throw new Refusal("token_invalid");
      const bearer = await verifier.verify(token);
      await standing.check(bearer);
      const { userId, username, user, picture, sessionId, expiresAt, loggedInAt, grants, budget, keyId } =
        bearer;
      return { userId, username, user, picture, sessionId, expiresAt, loggedInAt, grants, budget, keyId };
    },
  };
}

function outsideOf(
  { database: pool, config, clock, log, meta }: AuthOptions,
  security: Pick<SecurityLog, "record">,
): Outside | undefined {
  const { erasureKey } = meta;
  const { AUTH_JWKS_URL: url, AUTH_ISSUER: issuer, AUTH_AUDIENCE: audience } = config;
  return url && issuer && audience
    ? createOutside({ pool, clock, log, security, url, issuer, audience, erasureKey })
    : undefined;
}

function issuerOf(token: string): string | undefined {
  if (token.length > TOKEN_MAX) return undefined;
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined;
  }
}
