import type { Message } from "../../message.ts";

/** Whether a notice says that someone may do less than before. */
export const takesRights = ({ notice }: Message): boolean => notice !== null && notice.fence !== undefined;

/** Returns a room's fence after a range, if it was `fence` before. */
export const fenceAfter = (states: readonly Message[], fence: number): number =>
  states.findLast(takesRights)?.notice?.fence ?? fence;
