import { deferred } from "./deferred.ts";
import { ChatError, disconnected, errorOf, passing } from "./errors.ts";
import type { Reply } from "./frames.ts";
import type { Ports } from "./ports.ts";
import { backoff, pauseAfter } from "./reconnect.ts";

/** A token with less time left than this opens no socket; or than a quarter of its life. In milliseconds. */
const MARGIN_MS = 10_000;
/** The shortest time between two renewals, unless the application asks for one. In milliseconds. */
const APART_MS = 2_000;
/** A token that lives longer is renewed only when the server warns: timers cannot be longer than 24 days. */
const WAIT_MAX_MS = 1e9;

/**
 * Keeps the token of the socket fresh. It is renewed after half of its life, so that its source may fail for a while. If the
 * clock here is wrong, it is renewed when the server warns.
 */
export interface Renewal {
  /** How many newer tokens were requested for an open socket. */
  readonly count: number;
  /** Returns a token for the next socket. @throws {ChatError} */
  token(): Promise<string>;
  /** A socket was opened with that token, which expires at this time. */
  opened(expiresAt: unknown): void;
  /** The server says that the token expires. */
  expiring(): void;
  /** The server closed the socket because of its token. */
  refused(): void;
  /** Requests a newer token now. Resolves when the server has accepted it. @throws {ChatError} */
  renew(): Promise<void>;
  /**
   * Gets a newer token because the last one did not cover something that the person has wanted since `count` was `after`. A
   * token that was requested since will do, and the request waits if the last one was recent. Resolves to whether to try again:
   * not if such a token did not cover it either, or if there is none.
   */
  cover(after: number): Promise<boolean>;
  /** The socket ended. */
  ended(): void;
  /** There will be no socket for now. */
  stop(error: ChatError): void;
}

interface RenewalOptions {
  readonly ports: Pick<Ports, "clock" | "random">;
  /** Returns an access token other than the refused one. */
  token(refused?: string): Promise<string>;
  ask(command: { readonly type: "auth"; readonly token: string }, reply: (reply: Reply) => void): void;
  /** The server accepted another token than before. */
  renewed(): void;
  problem(error: ChatError): void;
}

export function createRenewal({ ports, token: get, ask, renewed, problem }: RenewalOptions): Renewal {
  const { clock, random } = ports;
  /** The last token that was requested, and whether it must not be used again. */
  let last: string | undefined;
  let isRefused = false;
  /** The last token that the server accepted, when it expires, and how much of its life was left then. */
  let accepted: string | undefined;
  let expiresAt = NaN;
  let lifeMs = NaN;
  /** Stands for the open socket. */
  let socket: object | undefined;
  let running = deferred<void>();
  let waiting: typeof running | undefined;
  let count = 0;
  /** The count at which the last accepted token was requested. */
  let covered = 0;
  /** The count at which the request for a token that is under way began. */
  let asking: number | undefined;
  let failures = 0;
  let startedAt = -Infinity;
  /** When the next renewal begins, by the monotonic clock; -Infinity during a renewal. */
  let dueAt = Infinity;
  let cancel = () => {};

  /** Renews the token after `ms`, unless that is planned for earlier. */
  const plan = (ms: number) => {
    const at = clock.monotonic() + ms;
    if (!socket || ms > WAIT_MAX_MS || at >= dueAt) return;
    cancel();
    dueAt = at;
    if (ms > 0) cancel = clock.after(ms, run);
    else void run();
  };

  /** Gets a newer token, and the count at which it was requested: a request that is under way since an earlier socket is shared. */
  const newer = async () => {
    const at = (asking ??= count);
    try {
      last = await get(last);
    } finally {
      if (asking === at) asking = undefined;
    }
    return { token: last, at };
  };

  const soon = (apartMs = APART_MS) => plan(startedAt + apartMs - clock.monotonic());

  /** Ends a renewal, whose next one begins after `ms`. */
  const next = (ms: number) => {
    dueAt = Infinity;
    plan(ms);
    if (waiting) soon();
  };

  const accept = (at: unknown) => {
    const isNew = accepted !== last;
    const now = clock.now();
    if (isNew) {
      accepted = last;
      expiresAt = Date.parse(String(at));
      lifeMs = expiresAt - now;
    }
    isRefused = false;
    failures = 0;
    // A token that the server accepts has not expired: otherwise the clock here is wrong.
    next(
      expiresAt > now
        ? Math.max(startedAt + APART_MS - clock.monotonic(), expiresAt - now - lifeMs / 2)
        : Infinity,
    );
    if (isNew) renewed();
  };

  async function run() {
    cancel();
    dueAt = -Infinity;
    startedAt = clock.monotonic();
    count++;
    const mine = socket;
    const { promise, resolve, reject } = (running = waiting ?? deferred());
    waiting = undefined;
    promise.catch(() => {});
    try {
      const { token, at } = await newer();
      if (mine !== socket) throw disconnected();
      if (token === accepted) throw new ChatError("token_failed", "No newer token.");
      const reply = await new Promise<Reply>((answer) => ask({ type: "auth", token }, answer));
      // The next token may be better.
      if (reply instanceof ChatError) throw passing(reply.code, reply.message);
      covered = at;
      accept(reply.expiresAt);
      resolve();
    } catch (thrown) {
      const error = errorOf(thrown);
      reject(error);
      if (mine !== socket) return;
      problem(error);
      next(error.retryable ? pauseAfter(error, failures++, random()) : Infinity);
    }
  }

  return {
    get count() {
      return count;
    },
    async token() {
      const isSpent = clock.now() > expiresAt - Math.min(MARGIN_MS, lifeMs / 4);
      return isRefused || isSpent ? (await newer()).token : (last = await get());
    },
    opened(at) {
      socket = {};
      accept(at);
    },
    expiring: soon,
    refused: () => void (isRefused = true),
    renew() {
      const { promise } = (waiting ??= deferred());
      plan(0);
      return promise;
    },
    async cover(after) {
      if (covered > after) return false;
      const { promise } = count > after && dueAt === -Infinity ? running : (waiting ??= deferred());
      soon(backoff(failures + 2, 1));
      return promise.then(
        () => true,
        (error: unknown) => errorOf(error).retryable,
      );
    },
    ended() {
      socket = undefined;
      cancel();
      dueAt = Infinity;
    },
    stop(error) {
      isRefused = false;
      waiting?.reject(error);
      waiting = undefined;
    },
  };
}
