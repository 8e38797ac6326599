import { ChatError, errorOf, passing } from "./errors.ts";
import { parse, shape } from "./frames.ts";
import type { Http, HttpCall } from "./http.ts";
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
  readonly account: Account | undefined;
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
  request(method: string, path: string, call?: HttpCall): Promise<unknown>;
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
  const stored = async () => heldIn(await slot.read().catch(() => undefined));
  /** Where it cannot be kept, it lasts as long as the page. */
  const keep = (next: Held | undefined) => slot.update(() => next && JSON.stringify(next)).catch(() => {});

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
      pair = await http("POST", "account/refresh/", { body: { refresh: mine.refresh } });
    } catch (error) {
      // The session has ended. Anything else says nothing of it: a proxy's page, a network that is away.
      if (error instanceof ChatError && error.status === 401 && !error.retryable && held === mine) {
        held = undefined;
        await keep(undefined);
        changed(undefined, error);
      }
      throw error;
    }
    if (!isPair(pair)) throw notTokens();
    const next = { ...mine, access: pair.access as string, refresh: pair.refresh as string };
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
      throw new Error("what it gave is none");
    } catch (error) {
      if (error instanceof ChatError) throw error;
      throw passing("token_failed", `No token: ${errorOf(error).message}`);
    }
  };

  const renew = async (): Promise<string> => {
    if (tokens) return ask(tokens, given !== undefined);
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
    if (inHand !== undefined && inHand !== refused) return inHand;
    return (renewing ??= renew().finally(() => (renewing = undefined)));
  };

  return {
    get account() {
      return held && accountOf(held);
    },
    get signedIn() {
      return tokens !== undefined || held !== undefined;
    },
    load,
    async enter(path, call) {
      await load();
      const next = heldOf(await http("POST", path, call));
      if (!next) throw notTokens();
      held = next;
      await keep(next);
      changed(accountOf(next));
      return accountOf(next);
    },
    async leave() {
      const mine = held;
      held = given = undefined;
      changed(undefined);
      await keep(undefined);
      return mine?.refresh;
    },
    token,
    async request(method, path, call) {
      const first = await token();
      try {
        return await http(method, path, { ...call, token: first });
      } catch (error) {
        const { code } = errorOf(error);
        if (code !== "token_expired" && code !== "token_invalid") throw error;
        return http(method, path, { ...call, token: await token(first) });
      }
    },
  };
}

const isPair = shape("access:text refresh:text");
const isHeld = shape("access:text refresh:text username:text email:text");

const accountOf = ({ username, email }: Held): Account => ({ username, email });

const heldOf = (value: unknown): Held | undefined => {
  if (!isHeld(value)) return undefined;
  const { access, refresh, username, email } = value as unknown as Held;
  return { access, refresh, username, email };
};

const heldIn = (text: string | undefined) => heldOf(parse(text ?? ""));

const notTokens = () => passing("bad_answer", "The answer has no tokens.");
