import { Refusal } from "../../errors.ts";
import type { Identity } from "../../identity.ts";
import { type Access, AccessDenied, type Departure } from "../access/access.ts";
import type { Pass } from "../pass.ts";
import type { Action } from "../rights.ts";
import type { Timeline } from "../room/timeline.ts";
import type { Subscription } from "./subscription.ts";

/** The connection that asks for passes. */
interface Holder {
  readonly identity: Identity;
  readonly subscriptions: readonly Subscription[];
  readonly parts: { readonly access: Pick<Access, "enter" | "enterNow" | "reenter" | "narrow" | "renew"> };
}

/**
 * Returns a pass for a room, at once if the socket has joined it. @throws {AccessDenied}; {@link Refusal} `unavailable`,
 * also as a rejection.
 */
export function enter<A extends Action>(
  holder: Holder,
  subscription: Subscription | undefined,
  room: string,
  action: A,
): Pass<A> | Promise<Pass<A>> {
  const { identity, parts } = holder;
  const { access } = parts;
  if (!subscription || subscription.isSuspended)
    return access.enterNow(identity, room, action) ?? access.enter(identity, room, action);
  return access.narrow(subscription.pass, action) ?? enterAnew(holder, subscription, action);
}

/** Rights that were given are found out when they are used: the pass of the subscription may be older. */
async function enterAnew<A extends Action>(
  holder: Holder,
  subscription: Subscription,
  action: A,
): Promise<Pass<A>> {
  const { access } = holder.parts;
  const pass = await access.reenter(holder.identity, subscription.timeline.room, action);
  const isCurrent =
    pass.membership.fence >= subscription.timeline.fence &&
    pass.membership.beginsAfter === subscription.pass.membership.beginsAfter &&
    !goneFrom(pass) &&
    !subscription.isSuspended;
  const reading = isCurrent ? access.narrow(pass, "read") : undefined;
  if (reading && holder.subscriptions.includes(subscription)) subscription.renew(reading);
  return pass;
}

/** How often a join reads again what its person may do, and when it may be retried after that, in milliseconds. */
const ROUNDS = { most: 5, retryMs: 1_000 } as const;

/** The refusal of a join whose person's rights keep changing. */
export const late = () => new Refusal("unavailable", { retryAfterMs: ROUNDS.retryMs });

/**
 * Reads a pass again while it is older than the room's timeline, a few times. Call `isOld` once more after it: the timeline may
 * have moved.
 * @throws {Refusal} unavailable if its person was removed meanwhile: the membership that the join gave them is gone, but they can
 * join an open room again. {@link AccessDenied}.
 */
export async function upToDate(
  { identity, parts: { access } }: Holder,
  pass: Pass,
  timeline: Timeline,
  isOld: (pass: Pass) => boolean,
): Promise<Pass> {
  let newest = pass;
  for (let round = 0; round < ROUNDS.most; round++) {
    if (!isOld(newest) && newest.membership.version >= timeline.noted) break;
    newest = await access.reenter(identity, timeline.room);
    if (goneFrom(newest)) throw late();
  }
  return newest;
}

/**
 * Reads again what a subscription's person may do. If they may not read the room any more, calls `expel` and resolves to
 * undefined. Rejects if the database is away.
 */
export async function reenter(
  holder: Holder,
  { timeline, pass: before }: Subscription,
  expel: (reason: Departure) => void,
): Promise<Pass | undefined> {
  const { access } = holder.parts;
  try {
    const pass = await access.reenter(holder.identity, timeline.room);
    // What the client has belongs to an earlier life of the room.
    if (pass.membership.beginsAfter > before.membership.beginsAfter) {
      expel("deleted");
      return undefined;
    }
    const gone = goneFrom(pass);
    if (gone) {
      expel(gone);
      return undefined;
    }
    // A newer token of the person may allow less.
    return pass.person === holder.identity ? pass : access.renew(pass, holder.identity);
  } catch (error) {
    if (!(error instanceof AccessDenied)) throw error;
    expel(error.reason);
    return undefined;
  }
}

/**
 * Why somebody who may enter an open room again is no member of it. A subscription with such a pass would outlive the notice
 * that ends it.
 */
function goneFrom({ membership: { state } }: Pass<never>): "removed" | "left" | undefined {
  return state === "removed" || state === "left" ? state : undefined;
}
