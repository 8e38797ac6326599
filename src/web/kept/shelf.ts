import type { Entry, RoomSummary } from "../../client/index.ts";

/** What this browser has kept of the person's rooms. */
export interface Kept {
  readonly lines: readonly RoomSummary[];
  readonly entries: ReadonlyMap<string, readonly Entry[]>;
}

/** Each person has a cache of their own, named after their address. */
const PREFIX = "parley kept ";
const LIST = "/kept/list";
const ROOM = "/kept/room/";
/** How many rooms, messages of a room and characters of them are kept. */
export const LINES_MAX = 50;
export const ROOMS_MAX = 20;
export const ENTRIES_MAX = 50;
const CHARS_MAX = 200_000;

const open = (email: string) => caches.open(PREFIX + email);
const pathOf = (room: string) => ROOM + encodeURIComponent(room);

/** Returns what was kept of a person's rooms. */
export async function readShelf(email: string): Promise<Kept> {
  const cache = await open(email);
  const lines: readonly RoomSummary[] = (await (await cache.match(LIST))?.json()) ?? [];
  const entries = new Map<string, readonly Entry[]>();
  for (const { room } of lines) {
    const found = await cache.match(pathOf(room));
    if (found) entries.set(room, (await found.json()) as readonly Entry[]);
  }
  return { lines, entries };
}

/** Keeps the list of rooms, and the messages of those that are in it. */
export async function keepLines(email: string, lines: readonly RoomSummary[]): Promise<void> {
  const cache = await open(email);
  await cache.put(LIST, Response.json(lines.slice(0, LINES_MAX)));
  const wanted = new Set(lines.map(({ room }) => pathOf(room)));
  const rooms = (await cache.keys()).filter(({ url }) => new URL(url).pathname.startsWith(ROOM));
  const gone = rooms.filter(({ url }) => !wanted.has(new URL(url).pathname));
  // The keys are in the order in which they were written.
  const old = rooms.filter((key) => !gone.includes(key)).slice(0, -ROOMS_MAX);
  for (const key of [...gone, ...old]) await cache.delete(key);
}

/** Keeps the last messages of a room. */
export async function keepEntries(email: string, room: string, entries: readonly Entry[]): Promise<void> {
  let kept = entries.slice(-ENTRIES_MAX);
  let text = JSON.stringify(kept);
  while (text.length > CHARS_MAX && kept.length > 1) {
    kept = kept.slice(Math.ceil(kept.length / 2));
    text = JSON.stringify(kept);
  }
  await (await open(email)).put(pathOf(room), new Response(text));
}

/** Forgets what was kept of everybody else. */
export async function clearShelves(except?: string): Promise<void> {
  const names = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== PREFIX + except);
  await Promise.all(names.map((name) => caches.delete(name)));
}
