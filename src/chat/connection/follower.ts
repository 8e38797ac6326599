import { type Clock, every } from "../../clock.ts";
import type { MembershipChange, WatchStore } from "../watch.ts";

/** How often changes of memberships are read, in milliseconds. */
const FOLLOW_MS = 1_000;
/** How long after a stamp was taken its transaction may commit, in milliseconds. */
const LATE_MS = 10_000;
/** Changes in one statement, and statements in a row. */
const PAGE = 1_000;
const PAGES = 10;

/** Follows the changes of all memberships in the database, each once. */
export interface Follower {
  /** When the last complete look began, in milliseconds of the monotonic clock. */
  readonly checkedAt: number;
  /** Looks again at once. */
  hurry(): void;
  stop(): void;
}

interface FollowerOptions {
  readonly store: Pick<WatchStore, "changes" | "stamp">;
  readonly clock: Clock;
  changed(change: MembershipChange): void;
}

/**
 * Reads what has a higher stamp than everything did ten seconds ago, because a transaction takes its stamp before it
 * commits. It remembers what it has seen since then.
 */
export function createFollower({ store, clock, changed }: FollowerOptions): Follower {
  /** Everything up to this stamp is done with. */
  let floor: number | undefined;
  let ends: { readonly at: number; readonly stamp: number }[] = [];
  /** The stamps seen after the floor, by person and room. */
  const seen = new Map<string, number>();
  let checkedAt = clock.monotonic();
  let following: Promise<void> | undefined;
  let again = false;

  async function follow(): Promise<void> {
    const begun = clock.monotonic();
    floor ??= await store.stamp();
    let end = floor;
    for (let page = 1, more = true; more; page++) {
      const changes = await store.changes(end, PAGE);
      for (const change of changes) {
        const key = `${change.userId} ${change.roomId}`;
        if (seen.get(key) === change.stamp) continue;
        seen.set(key, change.stamp);
        changed(change);
      }
      end = changes.at(-1)?.stamp ?? end;
      more = changes.length === PAGE;
      // Thousands of changes a second: rather go on than read the same ones again.
      if (page >= PAGES) floor = end;
    }
    checkedAt = begun;
    ends.push({ at: begun, stamp: end });
    const late = ends.filter(({ at }) => at > begun - LATE_MS);
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

  const stop = every(clock, FOLLOW_MS, look);
  void look();

  return {
    get checkedAt() {
      return checkedAt;
    },
    hurry() {
      if (following) again = true;
      else void look();
    },
    stop,
  };
}
