import type { User } from "../../client/index.ts";
import { ranked } from "../parts/ranking.ts";

/** A way to go on with a query. */
export interface Suggestion {
  /** What replaces the last word. */
  readonly insert: string;
  /** What people see of a value: the name of a person or a room. */
  readonly label?: string;
  /** The filter that it explains. */
  readonly filter: Filter;
}

/** The filters, as they are offered. */
export const FILTERS = ["from:", "in:", "before:", "after:", "has:link", "has:file"] as const;
export type Filter = (typeof FILTERS)[number];

interface Known {
  readonly people: readonly User[];
  readonly rooms: readonly { readonly room: string; readonly label: string }[];
  /** A day, as 2026-01-31. */
  readonly today: string;
}

const SHOWN_MAX = 6;

/** The last word of a query, which a suggestion replaces. */
const lastOf = (text: string) => /\S*$/.exec(text)?.[0] ?? "";

/** Filters that fit what is typed, and values for a filter that is. */
export function suggestionsFor(text: string, { people, rooms, today }: Known): readonly Suggestion[] {
  const last = lastOf(text).toLowerCase();
  const [, name, value = ""] = /^(from|in|before|after):(.*)$/u.exec(last) ?? [];
  if (name === "from")
    return ranked(value.replace(/^@/, ""), people, ({ name = "", username }) => [name, username])
      .slice(0, SHOWN_MAX)
      .map(({ username, name = username }) => ({
        insert: `from:${username} `,
        label: name === username ? username : `${name} (@${username})`,
        filter: "from:",
      }));
  if (name === "in")
    return ranked(value, rooms, ({ room, label }) => [label, room])
      .slice(0, SHOWN_MAX)
      .map(({ room, label }) => ({ insert: `in:${room} `, label, filter: "in:" }));
  if (name === "before" || name === "after")
    return today.startsWith(value) && value !== today
      ? [{ insert: `${name}:${today} `, label: today, filter: `${name}:` }]
      : [];
  return FILTERS.filter((filter) => filter.startsWith(last) && filter !== last).map((filter) => ({
    insert: filter.startsWith("has:") ? `${filter} ` : filter,
    filter,
  }));
}

/** The query with a suggestion taken. */
export const taken = (text: string, { insert }: Suggestion): string =>
  text.slice(0, text.length - lastOf(text).length) + insert;
