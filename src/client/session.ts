import { deferred } from "./deferred.ts";
import { ChatError, errorOf, passing, unexpected } from "./errors.ts";
import { parse, shape } from "./frames.ts";
import type { Http, HttpResponse, HttpCall } from "./http.ts";
import type { Clock, Ports } from "./ports.ts";
import type { Slot } from "./storage.ts";

/** An account of the server. */
export interface Account {
  readonly username: string;
  readonly email: string;
}

/**
 * Returns a token of your product, which is a JWT. Called for the first one, and whenever a newer one than the last is needed
 * (`refused`). Anything else that it returns or throws is `token_failed`, and it is called again. It can throw a
 * {@link ChatError} of its own: the client stops asking unless that is retryable.
 */
export type TokenSource = (why: { readonly refused: boolean }) => string | Promise<string>;

/** A session of an account: one login. */
export interface SessionInfo {
  readonly id: string;
  readonly userAgent: string;
  readonly createdAt: string;
  readonly usedAt: string;
  readonly expiresAt: string;
  /** Whether this client uses the session. */
  readonly current: boolean;
}

interface Held extends Account {
  readonly access: string;
  readonly refresh: string;
}

/** Holds the tokens and renews them. */
export interface Session {
  /** Whether there is an account or a `tokens` function. */
  readonly signedIn: boolean;
  /** Restores the session that an earlier run left in the storage. */
  load(): Promise<void>;
  /** Registers or logs in. */
  enter(path: string, call: HttpCall): Promise<Account>;
  /** Forgets the tokens. Returns the refresh token, so that the caller can end the session on the server. */
  leave(): Promise<string | undefined>;
  /**
   * Returns an access token other than the refused one. Renews the token only if it is the refused one. Concurrent calls,
   * also from other tabs, share one renewal.
   * @throws {ChatError} `signed_out`; `token_failed`; the server's refusal to renew the token.
   */
  token(refused?: string): Promise<string>;
  /** Makes a request with the token. If the status is 401, renews the token and repeats the request once. */
  withToken<T>(call: (token: string) => Promise<T>): Promise<T>;
  /** The same for a request by HTTP as usual. */
  readonly request: Request;
}

export type Request = (method: string, path: string, call?: HttpCall) => Promise<HttpResponse>;

/** How long the product's function may take to return a token, in milliseconds. */
const TOKEN_MS = 15_000;
/** The three parts of a JWT (RFC 7515, section 3.1). */
const JWT = /^[\w-]+(\.[\w-]+){2}$/;

/** How long another tab, perhaps in another process, can take to see what this one stored, in milliseconds. */
const SEEN_MS = 100;

interface SessionOptions {
  readonly http: Http;
  readonly slot: Slot;
  readonly tokens: TokenSource | undefined;
  readonly locks: Ports["locks"];
  readonly clock: Pick<Clock, "after">;
  /** The name of the lock that all tabs use. */
  readonly lock: string;
  /** Called when someone signs in or out. `error` is set if the server ended the session. */
  changed(account: Account | undefined, error?: ChatError): void;
}

export function createSession({ http, slot, tokens, locks, lock, clock, changed }: SessionOptions): Session {
  let held: Held | undefined;
  /** The latest token of the product's own function. */
  let given: string | undefined;
  let renewing: Promise<string> | undefined;
  let loading: Promise<void> | undefined;

  const signedOut = () => new ChatError("signed_out", "Nobody is signed in.");
  const stored = async () => heldOf(parse((await slot.read().catch(() => undefined)) ?? ""));
  /** If the storage fails, the session lasts as long as the page. */
  const keep = (next: Held | undefined) => slot.update(() => next && JSON.stringify(next)).catch(() => {});

  const become = (next: Held | undefined, error?: ChatError) => {
    held = next;
    changed(next && accountOf(next), error);
    return keep(next);
  };

  const load = () =>
    (loading ??= (async () => {
      const found = tokens ? undefined : await stored();
      if (held || !found) return;
      held = found;
      changed(accountOf(found));
    })());

  const refresh = async (mine: Held): Promise<string> => {
    // Another tab may have renewed the token already.
    const there = await stored();
    if (there && there.access !== mine.access) return take(mine, there);
    let pair: unknown;
    try {
      pair = (await http("POST", "account/refresh/", { body: { refresh: mine.refresh } })).body;
    } catch (error) {
      // The session ended. Other errors, such as a proxy's page or a lost network, do not end it.
      if (error instanceof ChatError && error.status === 401 && !error.retryable && held === mine) {
        await become(undefined, error);
      }
      throw error;
    }
    const next = heldOf({ ...(pair as object), ...accountOf(mine) });
    if (!next) throw unexpected();
    // Store the new token before using it: the old refresh token is valid for only one more minute.
    if (held === mine) await keep(next);
    return take(mine, next);
  };

  const take = (mine: Held, next: Held) => {
    if (held !== mine) throw signedOut();
    held = next;
    return next.access;
  };

  const ask = async (source: TokenSource, refused: boolean): Promise<string> => {
    const late = deferred<never>();
    const cancel = clock.after(TOKEN_MS, () => late.reject(new Error("tokens did not respond")));
    try {
      const token: unknown = await Promise.race([source({ refused }), late.promise]);
      if (typeof token === "string" && JWT.test(token)) return (given = token);
      throw new Error("tokens did not return a JWT");
    } catch (error) {
      if (error instanceof ChatError) throw error;
      throw passing("token_failed", `No token: ${errorOf(error).message}`);
    } finally {
      cancel();
    }
  };

  const renew = async (): Promise<string> => {
    if (tokens) return ask(tokens, !!given);
    const mine = held;
    if (!mine) throw signedOut();
    if (!locks) return refresh(mine);
    return new Promise((resolve, reject) => {
      const turn = locks.request(lock, async () => {
        const token = refresh(mine);
        resolve(token);
        await token;
        await new Promise<void>((seen) => clock.after(SEEN_MS, seen));
      });
      turn.catch(reject);
    });
  };

  const token = async (refused?: string): Promise<string> => {
    await load();
    const inHand = given ?? held?.access;
    if (inHand && inHand !== refused) return inHand;
    return (renewing ??= renew().finally(() => (renewing = undefined)));
  };

  const withToken: Session["withToken"] = async (call) => {
    const first = await token();
    try {
      return await call(first);
    } catch (error) {
      if (errorOf(error).status !== 401) throw error;
      return call(await token(first));
    }
  };

  return {
    get signedIn() {
      return !!(tokens || held);
    },
    load,
    async enter(path, call) {
      await load();
      const next = heldOf((await http("POST", path, call)).body);
      if (!next) throw unexpected();
      await become(next);
      return accountOf(next);
    },
    async leave() {
      const mine = held;
      given = undefined;
      await become(undefined);
      return mine?.refresh;
    },
    token,
    withToken,
    request: (method, path, call) => withToken((token) => http(method, path, { ...call, token })),
  };
}

const isHeld = shape("access refresh username email");

const accountOf = ({ username, email }: Held): Account => ({ username, email });

const heldOf = (value: unknown): Held | undefined => (isHeld(value) ? (value as unknown as Held) : undefined);
