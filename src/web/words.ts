import { ChatError, type RoomSummary } from "../client/index.ts";

/** "1 message", "2 messages". */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;

/** "Ada", "Ada and Ben", "Ada, Ben and 3 others". Names at most `most` of them. */
export function listed(names: readonly string[], most = 3): string {
  const shown = names.length > most ? names.slice(0, most - 1) : names;
  const more = names.length - shown.length;
  const all = more > 0 ? [...shown, counted(more, "other")] : shown;
  return all.length < 2 ? all.join("") : `${all.slice(0, -1).join(", ")} and ${all.at(-1)}`;
}

type Titled = Pick<RoomSummary, "room" | "kind" | "title" | "people">;

/** The other people of a direct room. Someone who talks to themselves is the other. */
export function othersIn({ people = [] }: Titled, me: string | undefined) {
  const others = people.filter(({ id }) => id !== me);
  return others.length > 0 ? others : people;
}

/** What a room is called: its title, the people of a direct room, or the name of an open one. */
export function titleOf(room: Titled, me: string | undefined): string {
  if (room.title) return room.title;
  if (room.kind === "direct")
    return listed(
      othersIn(room, me).map(({ name, username }) => name ?? username),
      8,
    );
  return placeName(room.room);
}

/** What a room is called if nothing but its name is known. Names that begin with ~ are for machines. */
export const placeName = (room: string): string => (room.startsWith("~") ? "Untitled room" : room);

export const errorText = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const FIELDS: Readonly<Record<string, string>> = {
  people: "The list of people",
  user: "The list of people",
  title: "The title",
  topic: "The topic",
  reason: "The reason",
  heir: "The new owner",
};

/** What went wrong, as sentences. What is wrong with a field says more than the general message. */
export function faultText(error: unknown): string {
  const faults = error instanceof ChatError ? Object.entries(error.errors ?? {}) : [];
  if (faults.length === 0) return errorText(error);
  return faults.map(([field, [fault]]) => `${FIELDS[field] ?? `“${field}”`} ${fault}.`).join(" ");
}

export const KINDS = { open: "Open room", private: "Private room", direct: "Direct conversation" } as const;
export const ROLES = { owner: "Owner", moderator: "Moderator", member: "Member" } as const;
export const NOTIFY = {
  "": "What suits the room",
  all: "Every message",
  mentions: "Only mentions",
  none: "Nothing",
} as const;
/** How long an invitation link works, in seconds. */
export const LIFETIMES: readonly (readonly [number, string])[] = [
  [24 * 3600, "Works for a day"],
  [7 * 24 * 3600, "Works for a week"],
  [30 * 24 * 3600, "Works for 30 days"],
];
