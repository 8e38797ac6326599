import { type Reaction, withProfiles } from "../../message.ts";
import type { Named } from "../../person.ts";
import type { Amendment } from "../change.ts";

/** The most reactions of one message, over all emojis and people. It keeps reading them cheap. */
const REACTIONS_MAX = 1_000;
/** The most different emojis of one message. With the longest names and text, it still fits in a frame. */
export const EMOJIS_MAX = 20;
/** The most people named for each emoji; the others are only counted. */
export const NAMES_MAX = 20;

/** One person's reaction to a message. */
export interface Reactor extends Named {
  readonly userId: number;
  readonly emoji: string;
}

/** Returns reactions without those of one person, the same object if there are none. */
export function without(reactors: readonly Reactor[], userId: number): readonly Reactor[] {
  const others = reactors.filter((reactor) => reactor.userId !== userId);
  return others.length === reactors.length ? reactors : others;
}

/** Returns reactions after a change, the same object if it changes nothing, or the reason for a refusal. */
export function reacted(
  reactors: readonly Reactor[],
  change: Amendment & { kind: "react" },
): readonly Reactor[] | "too_many_reactions" {
  const own = reactors.find(({ userId, emoji }) => userId === change.senderId && emoji === change.emoji);
  if ((own !== undefined) === change.on) return reactors;
  if (!change.on) return reactors.filter((reactor) => reactor !== own);
  const emojis = new Set(reactors.map(({ emoji }) => emoji)).add(change.emoji);
  if (reactors.length >= REACTIONS_MAX || emojis.size > EMOJIS_MAX) return "too_many_reactions";
  const { senderId: userId, username, user, emoji } = change;
  return [...reactors, { userId, username, user, emoji }];
}

/** Groups reactions by emoji, with their count and the first names by user id. */
export function summary(reactors: readonly Reactor[]): readonly Reaction[] {
  if (reactors.length === 0) return [];
  const byEmoji = Map.groupBy(
    reactors.toSorted((a, b) => a.userId - b.userId),
    ({ emoji }) => emoji,
  );
  return inOrder(
    [...byEmoji].map(([emoji, those]) => {
      const named = those.slice(0, NAMES_MAX);
      return {
        emoji,
        count: those.length,
        users: named.map(({ username }) => username),
        profiles: named.map(({ user }) => user),
      };
    }),
  );
}

/** Brings reactions into the form in which they are shown, live and from the database alike. */
export const inOrder = (reactions: readonly Reaction[]): readonly Reaction[] =>
  withProfiles(reactions.toSorted((a, b) => (a.emoji < b.emoji ? -1 : 1)));
