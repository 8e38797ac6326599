import type { RoomSummary } from "../../client/index.ts";
import { words } from "./language.ts";

type Titled = Pick<RoomSummary, "room" | "kind" | "title" | "people">;

/** A direct conversation is called after at most this many people. */
const NAMED_MAX = 8;

/** The other people of a direct room. Someone who talks to themselves is the other. */
export function othersIn({ people = [] }: Titled, me: string | undefined) {
  const others = people.filter(({ id }) => id !== me);
  return others.length > 0 ? others : people;
}

/** What a room is called: its title, the people of a direct room, or the name of an open one. */
export function titleOf(room: Titled, me: string | undefined): string {
  if (room.title) return room.title;
  if (room.kind !== "direct") return placeName(room.room);
  const names = othersIn(room, me).map(({ name, username }) => name ?? username);
  return words.names.some(names, NAMED_MAX);
}

/** What a room is called if nothing but its name is known. Names that begin with ~ are for machines. */
export const placeName = (room: string): string => (room.startsWith("~") ? words.names.untitled : room);
