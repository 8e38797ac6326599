import type { Clock } from "../../clock.ts";
import { Refusal, type RefusalDetail } from "../../errors.ts";
import { isGranted, type RoomAction } from "../../grants.ts";
import { type Identity, SYSTEM_ID } from "../../identity.ts";
import type { Message } from "../../message.ts";
import type { ErrorCode } from "../../protocol/codes.ts";
import type { Pass } from "../pass.ts";
import { type Action, type Membership, mutedFor, permits, permitsServer } from "../rights.ts";
import type { Memberships } from "./memberships.ts";

/**
 * Which open rooms a token without a `rooms` claim may enter: any (`open`), none (`claims`), or those that its person is a
 * member of (`members`).
 */
export type RoomPolicy = "open" | "claims" | "members";

/** Why a socket leaves a room. */
export type Departure = "removed" | "left" | "deleted" | "forbidden";

/** The refusal of someone who may not do something in a room. */
export class AccessDenied extends Refusal {
  constructor(
    code: ErrorCode,
    /** Why a socket that is in the room leaves it. */
    readonly reason: Departure,
    /** Whether the person belongs or belonged to the room, so that it is no secret what they did there. */
    readonly isKnown: boolean,
    more: RefusalDetail = {},
  ) {
    super(code, more);
  }
}

/**
 * Issues passes. Two things decide: the token's `rooms` claim with `ROOM_ACCESS`, which can only narrow, and the membership
 * by the rules in `rights.ts`. Memberships are cached. A pass from the cache does no harm, because whatever uses it compares
 * the room's fence; a refusal is given only after the database was asked.
 */
export interface Access {
  /** @throws {AccessDenied}; {@link Refusal} `unavailable` or `busy` if the database does not respond. */
  enter<A extends Action = "read">(person: Identity, room: string, action?: A): Promise<Pass<A>>;
  /** Does the same from the database, bypassing the cache. */
  reenter<A extends Action = "read">(person: Identity, room: string, action?: A): Promise<Pass<A>>;
  /**
   * Does the same from memory alone, in this tick. Returns undefined if memory does not know, or would refuse.
   * @throws {AccessDenied} if the token does not allow it.
   */
  enterNow<A extends Action = "read">(person: Identity, room: string, action?: A): Pass<A> | undefined;
  /** Narrows a pass to another action; undefined if it does not allow it. @throws {AccessDenied} as `enterNow`. */
  narrow<A extends Action>(pass: Pass<never>, action: A): Pass<A> | undefined;
  /** Renews a pass for a newer token of its person, which may allow less. @throws {AccessDenied} */
  renew(pass: Pass, person: Identity): Pass;
  /**
   * Returns a reader's pass after a notice that takes rights; or why they leave the room; or undefined: the database has to
   * be asked.
   */
  after(pass: Pass, notice: Message): Pass | Departure | undefined;
  /** Checks that a token allows an action in a room, whether there is one or not. @throws {AccessDenied} */
  checkClaim(person: Identity, room: string, action: Action): void;
  /** Whether only members may enter open rooms. */
  readonly membersOnly: boolean;
  /** Checks that a token allows its person to end their membership of a room. @throws {AccessDenied} */
  checkLeave(person: Identity, room: string): void;
  /** Whether a token allows its person to read a room that they are a member of. */
  mayList(person: Identity, room: string): boolean;
  /** The patterns of the rooms that a person may read as far as their token says; null: all rooms. */
  readable(person: Identity): readonly string[] | null;
}

interface AccessParts {
  readonly policy: RoomPolicy;
  readonly memberships: Pick<Memberships, "peek" | "read">;
  readonly clock: Pick<Clock, "now">;
}

const ACTIONS: readonly RoomAction[] = ["read", "post"];

/** Which action of a claim covers an action. */
const claimed = (action: Action): RoomAction => (action === "read" || action === "members" ? "read" : "post");

export function createAccess({ policy, memberships, clock }: AccessParts): Access {
  const membersOnly = policy === "members";

  const isClaimed = ({ grants }: Identity, room: string, action: RoomAction) =>
    grants === null ? policy !== "claims" : isGranted(grants, room, action);

  const checkClaim = (person: Identity, room: string, action: Action) => {
    if (!isClaimed(person, room, claimed(action))) throw unclaimed();
  };

  /** The one place that creates passes. */
  const issue = <A extends Action>(person: Identity, room: string, membership: Membership): Pass<A> =>
    ({ person, room, membership }) as Pass<A>;

  const refusalOf = (
    { userId }: Identity,
    membership: Membership,
    action: Action,
  ): AccessDenied | undefined => {
    const now = clock.now();
    const isServer = userId === SYSTEM_ID;
    const code = isServer
      ? permitsServer(membership, action)
      : permits(membership, action, { now, membersOnly });
    if (code === undefined) return undefined;
    const retryAfterMs = code === "muted" ? mutedFor(membership, now) : undefined;
    const isKnown = isServer || membership.state !== "none" || membership.banned;
    return new AccessDenied(
      code,
      departureOf(membership),
      isKnown,
      retryAfterMs === undefined ? {} : { retryAfterMs },
    );
  };

  const enterNow = <A extends Action>(person: Identity, room: string, action = "read" as A) => {
    checkClaim(person, room, action);
    const known = memberships.peek({ userId: person.userId, room });
    return known && !refusalOf(person, known, action) ? issue<A>(person, room, known) : undefined;
  };

  const reenter = async <A extends Action>(person: Identity, room: string, action = "read" as A) => {
    checkClaim(person, room, action);
    const membership = await memberships.read({ userId: person.userId, room });
    const refusal = refusalOf(person, membership, action);
    if (refusal) throw refusal;
    return issue<A>(person, room, membership);
  };

  return {
    enterNow,
    reenter,
    checkClaim,
    membersOnly,
    enter: async (person, room, action) =>
      enterNow(person, room, action) ?? (await reenter(person, room, action)),
    narrow<A extends Action>({ person, room, membership }: Pass<never>, action: A) {
      checkClaim(person, room, action);
      return refusalOf(person, membership, action) ? undefined : issue<A>(person, room, membership);
    },
    renew({ room, membership }, person) {
      checkClaim(person, room, "read");
      return issue(person, room, membership);
    },
    after(pass, notice) {
      const { person, room, membership } = pass;
      const next = membershipAfter(membership, notice, person.userId);
      if (typeof next !== "object") return next;
      return next === membership ? pass : issue(person, room, next);
    },
    checkLeave(person, room) {
      if (!ACTIONS.some((action) => isClaimed(person, room, action))) throw unclaimed();
    },
    mayList: (person, room) => isClaimed(person, room, "read"),
    readable({ grants }) {
      if (grants === null) return policy === "claims" ? [] : null;
      return grants.filter(({ allow }) => allow.includes("read")).map(({ match }) => match);
    },
  };
}

const unclaimed = () => new AccessDenied("forbidden", "forbidden", false, { claim: true });

const departureOf = ({ deleted, banned, state }: Membership): Departure => {
  if (deleted) return "deleted";
  if (banned || state === "removed") return "removed";
  return state === "left" ? "left" : "forbidden";
};

/** What a notice that takes rights makes of a membership that was read before it. */
function membershipAfter(
  membership: Membership,
  { version, notice }: Message,
  userId: number,
): Membership | Departure | undefined {
  // Read after it: someone who was removed is back, or is known to be gone.
  if (!notice || membership.version >= version) return membership;
  if (notice.type === "deleted") return "deleted";
  const isNamed = notice.users.some((user) => user.userId === userId);
  if (isNamed && (notice.type === "removed" || notice.type === "banned")) return "removed";
  if (isNamed && notice.type === "left") return "left";
  const { fence } = notice;
  if (fence === undefined || membership.fence >= fence) return membership;
  if (membership.fence !== fence - 1) return undefined;
  const next = { ...membership, version, fence };
  switch (notice.type) {
    case "removed":
    case "banned":
    case "left":
      return next;
    case "archived":
      return { ...next, archived: true };
    case "muted":
      return isNamed ? { ...next, mutedUntil: notice.until ? Date.parse(notice.until) : Infinity } : next;
    case "role":
      return isNamed && notice.role ? { ...next, role: notice.role } : next;
    default:
      return undefined;
  }
}
