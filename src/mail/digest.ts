import { type Clock, tryEvery } from "../clock.ts";
import { faultOf } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Candidate, DigestStore } from "../store/digests.ts";

/** How often a node looks for people who are due, how many it takes at once, and how long it has them to itself. */
const LOOK_MS = 10_000;
const CLAIMED = 20;
const LEASE_MS = 2 * 60_000;
/** Older messages are never mailed: a server that begins to send mails, or was away, does not send years of them. */
const OLDEST_MS = 7 * 24 * 3600_000;
/** The least time between two digests for one person. */
const REST_MS = 24 * 3600_000;
/** What was posted just now may still be on its way into the database. */
const MARGIN_MS = 60_000;
/** How soon to look again for someone without unread messages: an eighth of the time since they were seen. */
const LOOKS = { part: 8, least: 15 * 60_000, most: 6 * 3600_000 } as const;
/** Digests that wait. Beyond that, no more are written. */
const WAITING_MAX = 1_000;

interface Looking {
  readonly store: DigestStore;
  /** How many mails wait. */
  readonly waiting: () => Promise<number>;
  /** How long someone must be away, and a message unread. */
  readonly afterMs: number;
}

interface DigestParts extends Looking {
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Writes digests into the outbox for people who are away. What one covers is done with from then on, whether it is sent or
 * not, so nothing is ever mailed twice. Any number of nodes may do so at once. Returns a function that stops it.
 */
export const digestRegularly = ({ clock, log, ...parts }: DigestParts): (() => void) =>
  tryEvery(
    clock,
    LOOK_MS,
    () => writeDigests(parts),
    (error) =>
      log.warn(
        { event: "digests_failed", fault: faultOf(error) },
        "mails about unread messages could not be written; the next attempt is in ten seconds",
      ),
  );

/** Looks for everyone who is due now. */
export async function writeDigests({ store, waiting, afterMs }: Looking): Promise<void> {
  while ((await waiting()) < WAITING_MAX) {
    const people = await store.claim(CLAIMED, LEASE_MS);
    for (const person of people) {
      const wait = await consider(store, person, afterMs);
      if (wait !== undefined) await store.postpone(person.userId, wait);
    }
    if (people.length < CLAIMED) return;
  }
}

/** Writes somebody's digest if it is due. Returns when to look again, in milliseconds from now; undefined: that is set. */
async function consider(store: DigestStore, person: Candidate, afterMs: number): Promise<number | undefined> {
  const { now, seenAt, sentAt } = person;
  const away = now - seenAt;
  const least = Math.min(LOOKS.least, afterMs);
  if (away < afterMs) return Math.max(afterMs - away, least);
  if (now - sentAt < REST_MS) return REST_MS - (now - sentAt);
  const range = { after: Math.max(person.upto, now - OLDEST_MS), upto: now - MARGIN_MS };
  const [oldest] = await store.unread(person.userId, range);
  if (!oldest) return Math.min(Math.max(away / LOOKS.part, least), LOOKS.most);
  if (now - oldest.at < afterMs) return afterMs - (now - oldest.at);
  await store.begin(person, range, REST_MS);
  return undefined;
}
