import type { Clock } from "./clock.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import { networkOf } from "./limits/network.ts";

/** How often a repeated event is logged, in milliseconds. */
const INTERVAL_MS = 60_000;
/** The most persons and networks that are told apart in one interval, for each event that repeats. */
const APART_MAX = 100;
const AGENT_MAX = 100;

interface About {
  readonly level: "info" | "warn";
  readonly text: string;
  /** Anyone may cause it, as often as they like: repetitions are counted and logged once per interval. */
  readonly repeats?: true;
}

/**
 * The events of the security log. Their names are stable, and the only ones in the log that have a dot. Those that are
 * also in the audit have the same name there.
 */
export const SECURITY_EVENTS = {
  "account.create": { level: "info", text: "an account was created" },
  "account.delete": { level: "info", text: "a person deleted their account" },
  "account.restore": { level: "info", text: "an operator restored a deleted account" },
  "account.erase": { level: "info", text: "a deleted account was erased" },
  "login.succeed": { level: "info", text: "a person logged in" },
  "login.fail": { level: "warn", text: "a login failed", repeats: true },
  "login.limit": { level: "warn", text: "a login was refused after too many failures", repeats: true },
  "password.change": { level: "info", text: "a person changed their password" },
  "password.fail": { level: "warn", text: "a person gave a wrong password", repeats: true },
  "password.recover": { level: "warn", text: "a person set a new password with a link from a mail" },
  "email.verify": { level: "info", text: "a person verified their email address" },
  "email.change": { level: "warn", text: "a person changed their email address" },
  "ticket.fail": { level: "warn", text: "a link from a mail was not valid", repeats: true },
  "session.end": { level: "info", text: "a person ended sessions" },
  "session.evict": {
    level: "info",
    text: "the session that a person used least recently ended, because they have too many",
  },
  "refresh.reuse": { level: "warn", text: "a used refresh token came back, so its session was ended" },
  "token.refuse": { level: "warn", text: "a token of the identity provider has a bad claim", repeats: true },
  "link.create": { level: "info", text: "an operator created a registration link" },
  "link.use": { level: "info", text: "a registration link was used" },
  "api_key.create": { level: "warn", text: "an operator created a key" },
  "api_key.revoke": { level: "warn", text: "an operator revoked a key" },
  "operator.fail": { level: "warn", text: "a request had a wrong operator token", repeats: true },
  "operator.limit": { level: "warn", text: "a network gave too many wrong operator tokens", repeats: true },
  "scrape.fail": { level: "warn", text: "a request for metrics had a wrong token", repeats: true },
  "user.disable": { level: "warn", text: "an operator disabled a person" },
  "user.enable": { level: "warn", text: "an operator enabled a person" },
  "user.ban": { level: "warn", text: "a person was banned from a room" },
  "user.unban": { level: "warn", text: "a ban was lifted" },
  "user.set": { level: "info", text: "an operator described a person" },
  "room.change": { level: "info", text: "an operator created or changed a room" },
  "members.change": { level: "info", text: "an operator changed who is in a room" },
  "sessions.end": { level: "warn", text: "an operator ended a person's sessions" },
  "message.delete": { level: "warn", text: "an operator deleted a message" },
  "room.delete": { level: "warn", text: "an operator deleted a room" },
  "user.purge": { level: "warn", text: "an operator deleted everything that a person wrote" },
  "key.rotate": { level: "warn", text: "a key was replaced" },
  "key.revoke": { level: "warn", text: "a key was revoked" },
} as const satisfies Record<string, About>;

export type SecurityEvent = keyof typeof SECURITY_EVENTS;

/** The client that sent a request. */
export interface Origin {
  /** Its IP address, which the limits count by. */
  readonly address: string;
  readonly userAgent: string;
}

/** What an event says. Never emails, passwords or tokens, not even parts of them. */
export interface Facts {
  readonly origin?: Origin;
  /** The person whom it concerns, if there is one. */
  readonly userId?: number | undefined;
  readonly username?: string | undefined;
  readonly sessionId?: string;
  /** How many sessions ended. */
  readonly sessions?: number;
  /** The operator who gave the order. */
  readonly actor?: string;
  readonly room?: string;
  readonly messageId?: number;
  /** A claim of a token, and what is wrong with it. */
  readonly claim?: string;
  readonly problem?: string;
  /** The id of a key that signs tokens. */
  readonly kid?: string;
  /** The name of a key of an operator or a backend. */
  readonly key?: string;
}

/** The log of what matters to the security of accounts, and its metric. */
export interface SecurityLog {
  record(event: SecurityEvent, facts: Facts): void;
  /** Logs what was counted and not logged yet. */
  stop(): void;
}

interface SecurityLogOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "securityEvents">;
}

interface Repeated {
  readonly facts: Facts;
  /** How often it happened without being logged. */
  more: number;
}
/** The key of everyone who is not told apart. */
const OTHERS = "others";

/**
 * Writes one line per event and counts it in `parley_security_events_total`. Of an event that anyone can repeat, it
 * logs the first one for each person and network at once, and the number of the others every minute. Beyond 100
 * persons and networks in a minute, the others share a line without either. The metric counts every event.
 */
export function createSecurityLog({ clock, log, metrics }: SecurityLogOptions): SecurityLog {
  const repeated = new Map<SecurityEvent, Map<string, Repeated>>();
  let cancel: (() => void) | undefined;
  for (const event of Object.keys(SECURITY_EVENTS)) metrics.securityEvents.of(event);

  const write = (event: SecurityEvent, { origin, userId, ...facts }: Facts, count?: number) => {
    const { level, text } = SECURITY_EVENTS[event];
    log[level](
      { event, user: userId, ...facts, address: origin?.address, agent: origin?.userAgent, count },
      text,
    );
  };

  const flush = () => {
    cancel?.();
    cancel = undefined;
    for (const [event, kinds] of repeated)
      for (const { facts, more } of kinds.values()) if (more > 0) write(event, facts, more);
    repeated.clear();
  };

  /** Whether nothing like it is known yet. Otherwise counts it. */
  const isFirst = (event: SecurityEvent, facts: Facts) => {
    cancel ??= clock.after(INTERVAL_MS, flush);
    const kinds = repeated.getOrInsertComputed(event, () => new Map());
    const own = `${facts.userId ?? facts.claim ?? ""} ${networkOf(facts.origin?.address ?? "")}`;
    const known = kinds.get(own) ?? kinds.get(OTHERS);
    if (known) known.more++;
    else if (kinds.size < APART_MAX) kinds.set(own, { facts, more: 0 });
    else kinds.set(OTHERS, { facts: {}, more: 1 });
    return !known && kinds.has(own);
  };

  return {
    record(event, given) {
      const { origin } = given;
      const userAgent = origin?.userAgent.slice(0, AGENT_MAX).toWellFormed() ?? "";
      const facts = origin ? { ...given, origin: { ...origin, userAgent } } : given;
      metrics.securityEvents.of(event).count++;
      const about: About = SECURITY_EVENTS[event];
      if (!about.repeats || isFirst(event, facts)) write(event, facts);
    },
    stop: flush,
  };
}
