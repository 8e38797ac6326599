import type { Chat, Entry } from "../../client/index.ts";
import { othersIn } from "../words/naming.ts";
import type { Rooms } from "../rooms/rooms.ts";
import { clearShelves, keepEntries, keepLines } from "./shelf.ts";

/** The shortest time between two writes, in milliseconds. */
const APART_MS = 2_000;

/** Keeps the rooms and their latest messages in this browser until the person signs out, to show them without a connection. */
export function startKeeping(chat: Chat, rooms: Rooms): void {
  // Browsers have it with HTTPS only, like service workers.
  if (!("caches" in globalThis)) return;
  const email = () => chat.snapshot().account?.email;
  /** What was written last of each room. */
  const written = new Map<string, readonly Entry[]>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let work: Promise<unknown> = Promise.resolve();

  const write = async () => {
    const person = email();
    const { lines, loaded } = rooms.snapshot();
    const { me, connection } = chat.snapshot();
    if (person === undefined || !loaded || connection.state !== "open") return;
    const blocked = new Set(chat.blocks.snapshot().items.map(({ user }) => user.id));
    for (const room of rooms.opened()) {
      const { name, state, entries } = room.snapshot();
      if (state !== "live" || entries.length === 0 || written.get(name) === entries) continue;
      written.set(name, entries);
      const seen = entries.filter((entry) => entry.notice || !blocked.has(entry.user.id));
      await keepEntries(person, name, seen);
    }
    // Without a connection, nothing says which of the people one is.
    const kept = lines.map(({ label: _, typing: __, ...line }) =>
      line.people ? { ...line, people: othersIn(line, me?.id) } : line,
    );
    await keepLines(person, kept);
    // The person may have signed out meanwhile.
    if (email() !== person) await clear();
  };
  const clear = () => {
    written.clear();
    return clearShelves(email());
  };
  const run = (task: () => Promise<unknown>) => (work = work.then(task).catch(() => {}));

  rooms.subscribe(() => {
    timer ??= setTimeout(() => {
      timer = undefined;
      void run(write);
    }, APART_MS);
  });
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && run(write));
  chat.on("session", () => run(clear));
  void run(clear);
  void run(write);
}
