import { before, type Clock, every, within } from "../clock.ts";
import { faultOf } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { MailKind } from "../db/mails.ts";
import type { Leased, Outbox } from "./outbox.ts";
import type { Delivered, Letter, Transport } from "./transport.ts";

/** How often a node looks for mails, in milliseconds. */
const LOOK_MS = 1_000;
/** How long a node has a mail to itself, and how long it tries, in milliseconds. */
const LEASE_MS = 5 * 60_000;
const TRY_MS = 2 * 60_000;
/** Mails that a node sends at the same time. Digests have a place of their own, so that they hold up nobody's reset. */
const PLACES = 3;
/** The wait after the first failure, in milliseconds, doubled after each, up to an hour. */
const RETRY_MS = { least: 15_000, most: 3600_000 } as const;
const HOUR_MS = 3600_000;
/** How long a node waits for its attempts when it ends, in milliseconds. Beyond that, nobody knows their outcome. */
const STOP_MS = 5_000;
/** How old a mail may be at its last attempt, in milliseconds. Nobody waits for a reset any longer. */
const GIVE_UP_MS: Readonly<Record<MailKind, number>> = {
  reset: HOUR_MS,
  verify: 48 * HOUR_MS,
  change: 24 * HOUR_MS,
  password: 48 * HOUR_MS,
  moved: 48 * HOUR_MS,
  digest: 12 * HOUR_MS,
};
const LATE = (): Delivered => ({ outcome: "unknown", fault: { code: "LATE", status: undefined } });
/** How often what waits is counted, in milliseconds. */
const COUNT_MS = 15_000;

interface SenderParts {
  readonly outbox: Outbox;
  readonly transport: Pick<Transport, "send">;
  /** Writes a mail for this attempt; undefined if there is nobody or nothing to write about any more. */
  readonly write: (mail: Leased) => Promise<Letter | undefined>;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "mails" | "mailsWaiting" | "mailsWaitingSeconds">;
}

export interface Sending {
  /** A mail has just been put into the outbox. */
  soon(): void;
  /** Stops once the attempts at work have ended, or soon. */
  stop(): Promise<void>;
}

/**
 * Sends what waits in the outbox, on any number of nodes at once. If nobody knows whether a mail was sent, it is sent again,
 * with the same Message-ID; a digest is not.
 */
export function sendRegularly({ outbox, transport, write, clock, log, metrics }: SenderParts): Sending {
  let stopped = false;
  /** The server took no mail at the last attempt: said once. */
  let isAway = false;
  let isFailing = false;

  const done = async (mail: Leased, outcome: "sent" | "refused" | "void" | "expired" | "lost") => {
    await outbox.remove(mail);
    metrics.mails.inc({ outcome });
  };

  /** Sends one mail. */
  async function attempt(mail: Leased): Promise<void> {
    const { kind, attempts } = mail;
    if (mail.age > GIVE_UP_MS[kind]) {
      log.warn(
        { event: "mail_expired", kind, mail: mail.id, attempts },
        "a mail was given up after its last attempt",
      );
      return done(mail, "expired");
    }
    if (mail.unknown && kind === "digest") return done(mail, "lost");
    const letter = await write(mail).catch(async (error: unknown) => {
      await outbox.postpone(mail, RETRY_MS.least);
      throw error;
    });
    if (!letter) return done(mail, "void");
    const { outcome, fault } = await before(clock, TRY_MS, transport.send(letter), () => undefined).catch(
      LATE,
    );
    if (outcome === "sent") {
      if (isAway) log.info({ event: "mail_resumed" }, "the mail server takes mails again");
      isAway = false;
      return done(mail, "sent");
    }
    if (outcome === "unknown" && kind === "digest") return done(mail, "lost");
    if (outcome === "refused") {
      log.warn(
        { event: "mail_refused", kind, mail: mail.id, code: fault?.code, status: fault?.status },
        "the mail server refused a mail for good",
      );
      return done(mail, "refused");
    }
    metrics.mails.inc({ outcome: "failed" });
    if (!isAway)
      log.warn(
        { event: "mail_failed", kind, mail: mail.id, code: fault?.code, status: fault?.status },
        "a mail could not be sent; it is tried again, and so are those that fail meanwhile",
      );
    isAway = true;
    const wait = Math.min(RETRY_MS.least * 2 ** (attempts - 1), RETRY_MS.most);
    await outbox.postpone(mail, wait);
  }

  async function work(kinds: "digests" | "others"): Promise<void> {
    while (!stopped) {
      try {
        const mail = await outbox.claim(kinds, LEASE_MS);
        if (!mail) return;
        if (kinds === "others") soon(); // there may be more
        await attempt(mail);
        isFailing = false;
      } catch (error) {
        // The lease ends, and then another attempt begins.
        if (!isFailing)
          log.warn(
            { event: "mails_failed", fault: faultOf(error) },
            "mails cannot be worked on; trying again",
          );
        isFailing = true;
        return;
      }
    }
  }

  const busy = { digests: new Set<Promise<void>>(), others: new Set<Promise<void>>() };
  const turn = (kinds: "digests" | "others", places: number) => {
    if (stopped || busy[kinds].size >= places) return;
    const working = work(kinds).finally(() => busy[kinds].delete(working));
    busy[kinds].add(working);
  };
  const soon = () => turn("others", PLACES);
  const count = async () => {
    const { mails, ms } = await outbox.waiting();
    metrics.mailsWaiting.set(mails);
    metrics.mailsWaitingSeconds.set(ms / 1000);
  };
  const stops = [
    every(clock, LOOK_MS, soon),
    every(clock, LOOK_MS, () => turn("digests", 1)),
    every(clock, COUNT_MS, () => count().catch(() => {})),
  ];
  return {
    soon,
    async stop() {
      stopped = true;
      for (const stop of stops) stop();
      await within(clock, STOP_MS, Promise.all([...busy.digests, ...busy.others]));
    },
  };
}
