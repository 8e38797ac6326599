import type { Ack, Amendment, Post } from "../../src/chat/change.ts";
import type { AllMentions } from "../../src/chat/room/mentioning.ts";
import type { Case } from "./laws.ts";
import { firstIdOf, mayRead } from "./order.ts";

interface Mentioned extends Pick<Case, "facts" | "standingOf" | "members"> {
  readonly change: Post | (Amendment & { readonly kind: "edit" });
  readonly ack: Ack;
  /** The mentions of the message before and after the change. `after` is undefined if it changed nothing. */
  readonly before: AllMentions | null;
  readonly after: AllMentions | null | undefined;
}

/** The sender who needs no rights. */
const SERVER = 0;

/**
 * Returns what is wrong with the mentions of a change, by the order alone: whoever may read the message at that point is
 * mentioned, and the others are named in the ack. An edit that says nothing about mentions leaves them as they were.
 */
export function faultOfMentions({
  change,
  ack,
  before,
  after = before,
  facts,
  standingOf,
}: Mentioned): string | undefined {
  const people = after?.people.map(({ userId }) => userId) ?? [];
  const old = before?.people.map(({ userId }) => userId) ?? [];
  const mayBeMentioned = (userId: number) => {
    const standing = standingOf(userId);
    return mayRead(facts, standing) && ack.id >= firstIdOf(facts, standing);
  };
  const names = change.mentions === undefined ? undefined : (change.mentions ?? []);
  const isReached = (name: string) => Number(name) > 0 && mayBeMentioned(Number(name));
  const expected = names ? [...new Set(names.filter(isReached).map(Number))].sort((a, b) => a - b) : old;
  if (people.join() !== expected.join()) return "a message mentions others than it should";
  const missed = [...new Set((names ?? []).filter((name) => !isReached(name)))];
  if ((ack.unreached ?? []).join() !== missed.join())
    return "an ack names others than those who were not reached";
  const everyone = change.everyone ?? before?.everyone ?? false;
  if ((after?.everyone ?? false) !== everyone)
    return "a message mentions everyone against the wish of its sender";
  if (everyone && !before?.everyone && !mayMentionEveryone({ change, facts, standingOf }))
    return "someone mentioned everyone who may not";
  return undefined;
}

/** The rooms of the simulation are so small that every member of a private one may. */
export function mayMentionEveryone({
  change: { senderId },
  facts,
  standingOf,
}: Pick<Mentioned, "change" | "facts" | "standingOf">): boolean {
  const { state, role } = standingOf(senderId);
  return senderId === SERVER || (state === "in" && (facts.kind !== "open" || role !== "member"));
}
