import type { Person } from "../../message.ts";
import type { ErrorCode } from "../../protocol/codes.ts";
import { type Amendment, type Draft, type Post, type Removal, SYSTEM_ID } from "../change.ts";
import { permits } from "../rights.ts";
import type { Rulings } from "./rulings.ts";

/** What the database knows about mentions while rooms are locked. */
export interface KnownMentions {
  /** The people whom changes mention, by user id. */
  readonly people: ReadonlyMap<number, Person>;
  /** How many members a room has, for those in which someone mentions everyone. Counted to one more than matters. */
  readonly members: ReadonlyMap<string, number>;
}

/** Everyone whom a message mentions, which may be more than {@link Mentions} shows. */
export interface AllMentions {
  /** By user id. */
  readonly people: readonly Person[];
  readonly everyone: boolean;
}

/** Whom a message mentions after a change. */
export interface Addressing extends AllMentions {
  /** The names of those who get no mention, as they were sent. */
  readonly unreached: readonly string[];
}

const NOBODY: AllMentions = { people: [], everyone: false };

type Edit = Amendment & { readonly kind: "edit" };

interface Addressed {
  readonly id: number;
  readonly mentions: AllMentions | null;
}

/**
 * Finds out whom posts and edits mention: by what everyone may read at that point of the batch. Returns a refusal if the
 * sender may not mention everyone; undefined for other changes. `next`: the version that the change takes.
 */
export function createAddressing(
  known: KnownMentions | undefined,
  { membership }: Pick<Rulings, "membership">,
  membersOnly: boolean | undefined,
) {
  return (
    change: Post | Amendment | Removal,
    old: Addressed | undefined,
    next: number,
  ): Addressing | ErrorCode | undefined => {
    if (change.kind !== "post" && change.kind !== "edit") return undefined;
    const { room, senderId } = change;
    const facts = { now: 0, membersOnly, members: known?.members.get(room) };
    const addressing = addressed(change, old?.mentions ?? null, known?.people, (userId) => {
      const reader = membership(room, userId);
      return permits(reader, "read", facts) === undefined && reader.from <= (old?.id ?? next);
    });
    if (!addressing.everyone || old?.mentions?.everyone || senderId === SYSTEM_ID) return addressing;
    return permits(membership(room, senderId), "everyone", facts) ?? addressing;
  };
}

/** An edit that says nothing about mentions keeps them. */
function addressed(
  change: Post | Edit,
  before: AllMentions | null,
  known: KnownMentions["people"] | undefined,
  mayRead: (userId: number) => boolean,
): Addressing {
  const { people: old, everyone: was } = before ?? NOBODY;
  const everyone = change.everyone ?? was;
  if (change.mentions === undefined) return { people: old, everyone, unreached: [] };
  const people = new Map<number, Person>();
  const unreached = new Set<string>();
  for (const name of change.mentions ?? []) {
    const userId = change.mentioned?.get(name);
    const person = userId === undefined ? undefined : known?.get(userId);
    // Nobody learns which of the two it is.
    if (person && mayRead(person.userId)) people.set(person.userId, person);
    else unreached.add(name);
  }
  return {
    people: [...people.values()].sort((a, b) => a.userId - b.userId),
    everyone,
    unreached: [...unreached],
  };
}

/** Whether a post or an edit says whom it mentions. */
export const saysMentions = ({ mentions, everyone }: Pick<Draft, "mentions" | "everyone">): boolean =>
  (mentions?.length ?? 0) > 0 || everyone === true;

/** The mentions of a message, or null if there are none. */
export const someMentions = ({ people, everyone }: AllMentions): AllMentions | null =>
  people.length === 0 && !everyone ? null : { people, everyone };

/** Whether two messages mention the same people. */
export const sameMentions = (one: AllMentions | null, other: AllMentions | null): boolean => {
  const [a, b] = [one ?? NOBODY, other ?? NOBODY];
  return (
    a.everyone === b.everyone &&
    a.people.length === b.people.length &&
    a.people.every(({ userId }, at) => userId === b.people[at]?.userId)
  );
};
