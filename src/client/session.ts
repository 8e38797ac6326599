import { ChatError, errorOf, passing, unexpected } from "./errors.ts";
import { parse, shape } from "./frames.ts";
import type { Http, HttpAnswer, HttpCall } from "./http.ts";
import type { Clock, Ports } from "./ports.ts";
import type { Slot } from "./storage.ts";

/** Who is signed in with an account of the server. */
export interface Account {
  readonly username: string;
  readonly email: string;
}

/** A product's own tokens: called for the first one, and when one is about to expire or was `refused`. */
export type TokenSource = (why: { readonly refused: boolean }) => string | Promise<string>;

/** One login of an account. */
export interface SessionInfo {
  readonly id: string;
  readonly userAgent: string;
  readonly createdAt: string;
  readonly usedAt: string;
  readonly expiresAt: string;
  /** The one that asks. */
  readonly current: boolean;
}

interface Held extends Account {
  readonly access: string;
  readonly refresh: string;
}

/** The tokens: where they come from, and who renews them. */
export interface Session {
  /** There is a token, or someone who gives one. */
  readonly signedIn: boolean;
  /** Reads what an earlier run has left. */
  load(): Promise<void>;
  /** Registers or logs in. */
  enter(path: string, call: HttpCall): Promise<Account>;
  /** Forgets the tokens; answers the refresh token, which the server is still to be told. */
  leave(): Promise<string | undefined>;
  /**
   * An access token other than the refused one. Only where that is the one in hand it is renewed: once, whoever asks
   * meanwhile, in whichever tab. @throws {ChatError} signed_out, token_failed, why the server refuses to renew it.
   */
  token(refused?: string): Promise<string>;
  /** A request with the token; it is repeated once with another one where the token was refused. */
  request(method: string, path: string, call?: HttpCall): Promise<HttpAnswer>;
}

/** How long another tab may take to see what this one has stored, in milliseconds: it may be another process. */
const SEEN_MS = 100;

interface SessionOptions {
  readonly http: Http;
  readonly slot: Slot;
  readonly tokens: TokenSource | undefined;
  readonly locks: Ports["locks"];
  readonly clock: Pick<Clock, "after">;
  /** The name that tabs agree on. */
  readonly lock: string;
  /** Signed in, or out; `error`: by the server. */
  changed(account: Account | undefined, error?: ChatError): void;
}

export function createSession({ http, slot, tokens, locks, lock, clock, changed }: SessionOptions): Session {
  let held: Held | undefined;
  /** By the product's own function. */
  let given: string | undefined;
  let renewing: Promise<string> | undefined;
  let loading: Promise<void> | undefined;

  const signedOut = () => new ChatError("signed_out", "Nobody is signed in.");
  const stored = async () => heldOf(parse((await slot.read().catch(() => undefined)) ?? ""));
  /** Where it cannot be kept, it lasts as long as the page. */
  const keep = (next: Held | undefined) => slot.update(() => next && JSON.stringify(next)).catch(() => {});

  /** Someone signed in, or nobody is signed in any more. */
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
    // Another tab may have been faster.
    const there = await stored();
    if (there && there.access !== mine.access) return take(mine, there);
    let pair: unknown;
    try {
      pair = (await http("POST", "account/refresh/", { body: { refresh: mine.refresh } })).body;
    } catch (error) {
      // The session has ended. Anything else says nothing of it: a proxy's page, a network that is away.
      if (error instanceof ChatError && error.status === 401 && !error.retryable && held === mine) {
        await become(undefined, error);
      }
      throw error;
    }
    const next = heldOf({ ...(pair as object), ...accountOf(mine) });
    if (!next) throw unexpected();
    // Kept before it is used: the old one is good for a minute only.
    if (held === mine) await keep(next);
    return take(mine, next);
  };

  const take = (mine: Held, next: Held) => {
    if (held !== mine) throw signedOut();
    held = next;
    return next.access;
  };

  const ask = async (source: TokenSource, refused: boolean): Promise<string> => {
    try {
      const token = await source({ refused });
      if (typeof token === "string" && token) return (given = token);
      throw new Error("not a text");
    } catch (error) {
      if (error instanceof ChatError) throw error;
      throw passing("token_failed", `No token: ${errorOf(error).message}`);
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
    async request(method, path, call) {
      const first = await token();
      try {
        return await http(method, path, { ...call, token: first });
      } catch (error) {
        if (errorOf(error).status !== 401) throw error;
        return http(method, path, { ...call, token: await token(first) });
      }
    },
  };
}

const isHeld = shape("access refresh username email");

const accountOf = ({ username, email }: Held): Account => ({ username, email });

const heldOf = (value: unknown): Held | undefined => (isHeld(value) ? (value as unknown as Held) : undefined);
