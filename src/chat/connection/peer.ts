import type { PersonBudget } from "../../protocol/budgets.ts";
import type { Identity } from "../../identity.ts";
import type { CloseReason } from "../../protocol/codes.ts";
import type { Position } from "../../protocol/frames.ts";
import type { Origin } from "../access/submit.ts";
import type { Pass } from "../pass.ts";
import type { Action } from "../rights.ts";

export type Task = () => Promise<void> | void;

/** What the frame that is being read costs. */
export interface FrameCost {
  /** Another budget pays for it, so that the budgets for frames do not limit messages. */
  giveBack(): void;
  /** The server cannot read it, so it costs more than others. */
  malformed(): void;
}

/** A connection as its codec and commands see it: the client at the other end. */
export interface Peer {
  readonly identity: Identity;
  /** Where it comes from. */
  readonly origin: Origin;
  /** The room of the socket's URL. */
  readonly room: string | undefined;
  send(frame: string): void;
  /** Resolves when the socket has drained; undefined if it has. Wait for it before sending a large frame. */
  writable(): Promise<void> | undefined;
  close(reason: CloseReason): void;
  /** Spends from one of the person's budgets. Returns 0, or the milliseconds until it can be spent. */
  spend(budget: PersonBudget, units: number): number;
  readonly intake: FrameCost;
  /** Counts a command that waits for its reply (+1), and its reply (-1). Beyond a bound the socket is not read. */
  owe(change: 1 | -1): void;
  /** Runs `task` after the ones before it, so that commands of one socket run in order. */
  inTurn(task: Task): void;
  /**
   * Returns a pass for a room, at once if the socket has joined it.
   * @throws {AccessDenied}; {@link Refusal} `unavailable`, also as a rejection.
   */
  enter<A extends Action>(room: string, action: A): Pass<A> | Promise<Pass<A>>;
  /**
   * Joins a room, or joins it again from the start. Calls `accepted` in the tick that sends the room's first frame.
   * @throws {Refusal} forbidden, too_many_rooms, unavailable.
   */
  join(room: string, since: Position | undefined, accepted: () => void): Promise<void>;
  leave(room: string): void;
  joined(room: string): boolean;
  /** Starts or stops telling of activity in the person's rooms. Resolves once it has begun. @throws {Refusal} busy, unavailable. */
  watch(on: boolean): Promise<void>;
  /** Continues with a newer token of the same person. Anyone else's token closes the socket. */
  renew(identity: Identity): void;
}
