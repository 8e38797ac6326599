import { type Clock, every } from "../../clock.ts";
import type { MembershipChange, WatchStore } from "../watch.ts";

/** How often changes of memberships are read, in milliseconds. */
const FOLLOW_MS = 1_000;
/** How long after a stamp was taken its transaction may commit, in milliseconds. */
const LATE_MS = 10_000;
/** Changes in one statement, and statements in a row. */
const PAGE = 1_000;
const PAGES = 10;
/** How many stamps before the latest one it begins, because a transaction may have taken one of them and commit later. */
const BEFORE = 5 * PAGE;

/** Follows the changes of all memberships in the database, each once. */
export interface Follower {
  /** When the last complete look began, in milliseconds of the monotonic clock. */
  readonly checkedAt: number;
  /** Resolves once changes from now on are found. @throws {Refusal} unavailable. */
  ready(): Promise<void>;
  /** The database was restored, so that its stamps have gone back. */
  restart(): void;
  /** Looks again at once. */
  hurry(): void;
  stop(): void;
}

interface FollowerOptions {
  readonly store: Pick<WatchStore, "changes" | "stamp">;
  readonly clock: Clock;
  /** The latest stamp when the process started. */
  readonly stamp: number;
  changed(change: MembershipChange): void;
}

/**
 * Reads what has a higher stamp than everything did ten seconds ago, because a transaction takes its stamp before it
 * commits. It remembers what it has seen since then.
 */
export function createFollower({ store, clock, stamp, changed }: FollowerOptions): Follower {
  /** The latest stamp when it began; undefined: to be asked for. */
  let start: number | undefined = stamp;
  /** Whether what is there at the beginning has been read. */
  let begun = false;
  /** Everything up to this stamp is done with. */
  let floor = 0;
  let ends: { readonly at: number; readonly stamp: number }[] = [];
  /** The stamps seen after the floor, by person and room. */
  const seen = new Map<string, number>();
  let checkedAt = clock.monotonic();
  let following: Promise<void> | undefined;
  let again = false;
  /** Rises when everything known so far is of another epoch. */
  let life = 0;

  /** Returns the latest stamp when it began. */
  async function begin(): Promise<number> {
    if (start === undefined) {
      const mine = life;
      const latest = await store.stamp();
      if (mine !== life) return begin();
      start ??= latest;
    }
    if (!begun) floor = Math.max(floor, start - BEFORE);
    return start;
  }

  async function follow(): Promise<void> {
    const now = clock.monotonic();
    const old = await begin();
    const mine = life;
    let end = floor;
    for (let page = 1, more = true; more; page++) {
      const changes = await store.changes(end, PAGE);
      if (mine !== life) return;
      for (const change of changes) {
        const key = `${change.userId} ${change.roomId}`;
        if (seen.get(key) === change.stamp) continue;
        seen.set(key, change.stamp);
        if (begun || change.stamp > old) changed(change);
      }
      end = changes.at(-1)?.stamp ?? end;
      more = changes.length === PAGE;
      // Thousands of changes a second: rather go on than read the same ones again.
      if (page >= PAGES) floor = end;
    }
    begun = true;
    checkedAt = now;
    ends.push({ at: now, stamp: end });
    const late = ends.filter(({ at }) => at > now - LATE_MS);
    floor = Math.max(floor, ends[ends.length - late.length - 1]?.stamp ?? 0);
    ends = late;
    for (const [key, stamp] of seen) if (stamp <= floor) seen.delete(key);
  }

  /** The database is away: the check of the rooms logs it, and the next look comes. */
  const look = (): Promise<void> =>
    (following ??= follow()
      .catch(() => {})
      .finally(() => {
        following = undefined;
        if (!again) return;
        again = false;
        void look();
      }));

  const hurry = () => {
    if (following) again = true;
    else void look();
  };

  const stop = every(clock, FOLLOW_MS, look);
  void look();

  return {
    get checkedAt() {
      return checkedAt;
    },
    async ready() {
      while (!begun) await follow();
    },
    restart() {
      life++;
      start = undefined;
      begun = false;
      floor = 0;
      ends = [];
      seen.clear();
      hurry();
    },
    hurry,
    stop,
  };
}
