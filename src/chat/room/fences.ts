import type { Message } from "../../message.ts";

/** How far a room is. */
export interface Standing {
  readonly released: number;
  readonly fence: number;
}

/** Whether a notice says that someone may do less than before. */
export const takesRights = ({ notice }: Message): boolean => notice !== null && notice.fence !== undefined;

/** Returns a room's fence after a range, if it was `fence` before. */
export const fenceAfter = (states: readonly Message[], fence: number): number =>
  states.findLast(takesRights)?.notice?.fence ?? fence;

/**
 * Whether a message that is new to the readers was posted before a notice that takes rights, but is here only as it was
 * changed after it. Nobody has everything up to such a notice then, so readers have to page.
 */
export const isTorn = (states: readonly Message[], known: number): boolean =>
  states
    .filter(takesRights)
    .some((notice) =>
      states.some(({ id, version }) => id > known && id < notice.version && version > notice.version),
    );
