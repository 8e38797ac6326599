import { SOFT_LIMIT, UNSEEN_MAX } from "../limits.ts";
import type { Fanout } from "../ports.ts";

/** Decides whether bytes may be published without cutting a slow socket. */
export interface Admission {
  /**
   * Returns whether this many bytes may be published now, all or nothing. If necessary, it first checks all sockets and
   * lets the slow ones lag. False means that some sockets may be too full, and a check could not show which.
   */
  admit(bytes: number): boolean;
  publish(topic: string, frame: string): void;
}

/**
 * The bytes that wait are known per socket, and a publish reports only that some subscriber has bytes waiting. So all
 * sockets are checked, but only as often as needed to catch a socket between the soft limit and the hard one.
 * `lagSlow` lets sockets lag that have more than the soft limit waiting, counting `hidden` bytes that do not show yet.
 */
export function createAdmission(fanout: Fanout, lagSlow: (hidden: number) => void): Admission {
  /** Bytes published since the last check of all sockets. */
  let unseen = 0;
  /** Whether a subscriber had bytes waiting since then. */
  let pressed = false;

  return {
    admit(bytes) {
      if (bytes > UNSEEN_MAX) return false;
      if (pressed && unseen + bytes > UNSEEN_MAX) {
        const hidden = fanout.hidden();
        // A socket that shows nothing waiting may hold all hidden bytes. Every other socket is below the soft limit.
        const beyond = Math.max(0, hidden - SOFT_LIMIT);
        if (beyond + bytes > UNSEEN_MAX) return false;
        lagSlow(hidden);
        unseen = beyond;
        pressed = false;
      }
      unseen += bytes;
      return true;
    },
    publish(topic, frame) {
      if (fanout.publish(topic, frame)) pressed = true;
    },
  };
}
