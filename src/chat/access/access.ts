import { Refusal } from "../../errors.ts";
import { isGranted, type RoomAction } from "../../grants.ts";
import type { Identity } from "../../identity.ts";
import type { Pass } from "../pass.ts";
import type { Departed } from "./departed.ts";

/** What a token without a `rooms` claim may enter: any room (`open`) or none (`claims`). */
export type RoomPolicy = "open" | "claims";

/** The refusal of someone who may not enter a room. */
export class AccessDenied extends Refusal {
  /** Why a socket that is in the room leaves it: the person was banned, or their token does not allow it. */
  constructor(readonly reason: "removed" | "forbidden") {
    super("forbidden");
  }
}

/**
 * Issues passes. Two policies decide: the token's `rooms` claim, and bans. Bans are cached for five seconds; a ban or an
 * unban, here or on another node, drops the cached ones: see `departed.ts`.
 */
export interface Access {
  /** @throws {AccessDenied}; {@link Refusal} `unavailable` if the database does not respond. */
  enter<A extends RoomAction = "read">(person: Identity, room: string, action?: A): Promise<Pass<A>>;
  /**
   * Does the same from memory alone, in this tick. Returns undefined if memory does not know.
   * @throws {AccessDenied}
   */
  enterNow<A extends RoomAction = "read">(person: Identity, room: string, action?: A): Pass<A> | undefined;
  /** Renews a pass for a newer token of its person, which may allow less. @throws {AccessDenied} */
  renew(pass: Pass, person: Identity): Pass;
  /** Checks that a token allows its person to end their membership of a room. Bans do not matter. @throws {AccessDenied} */
  checkLeave(person: Identity, room: string): void;
  /** Whether a token allows its person to read a room that they are a member of. */
  mayList(person: Identity, room: string): boolean;
  /** The patterns of the rooms that a person may read as far as their token says; null: all rooms. */
  readable(person: Identity): readonly string[] | null;
}

const ACTIONS: readonly RoomAction[] = ["read", "post"];

export function createAccess(policy: RoomPolicy, departed: Pick<Departed, "get" | "peek">): Access {
  const unlimited = policy === "open" ? ACTIONS : [];

  const actionsOf = ({ grants }: Identity, room: string): readonly RoomAction[] =>
    grants === null ? unlimited : ACTIONS.filter((action) => isGranted(grants, room, action));

  /** The one place that creates passes. */
  const issue = <A extends RoomAction>(person: Identity, room: string, action: A): Pass<A> => {
    const actions = actionsOf(person, room);
    if (!actions.includes(action)) throw new AccessDenied("forbidden");
    return { person, room, actions } as Pass<A>;
  };

  const enterNow = <A extends RoomAction>(person: Identity, room: string, action = "read" as A) => {
    const known = departed.peek(person.userId);
    if (known?.get(room) === "banned") throw new AccessDenied("removed");
    return known && issue(person, room, action);
  };

  return {
    enterNow,
    async enter(person, room, action) {
      const known = enterNow(person, room, action);
      if (known) return known;
      const departures = await departed.get(person.userId);
      if (departures.get(room) === "banned") throw new AccessDenied("removed");
      return issue(person, room, action ?? ("read" as NonNullable<typeof action>));
    },
    checkLeave({ grants }, room) {
      if (grants !== null && !ACTIONS.some((action) => isGranted(grants, room, action)))
        throw new AccessDenied("forbidden");
    },
    renew: ({ room }, person) => issue(person, room, "read"),
    mayList: (person, room) => actionsOf(person, room).includes("read"),
    readable({ grants }) {
      if (grants === null) return policy === "open" ? null : [];
      return grants.filter(({ allow }) => allow.includes("read")).map(({ match }) => match);
    },
  };
}

/** Narrows a pass to an action that it allows besides. @throws {AccessDenied} */
export function allow<A extends RoomAction>(pass: Pass<RoomAction> | Pass, action: A): Pass<A> {
  if (!pass.actions.includes(action)) throw new AccessDenied("forbidden");
  return pass as unknown as Pass<A>;
}
