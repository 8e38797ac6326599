import type { FileUrls, Room } from "../../client/index.ts";

/** The addresses of a room's files. */
export interface Addresses {
  /** Returns an address that was given out a short while ago. */
  known(id: string): FileUrls | undefined;
  /**
   * Returns where a file can be loaded. Undefined: it is gone, or this person may not see it any more. `again`: the known
   * address does not work. @throws {ChatError}
   */
  of(id: string, again?: boolean): Promise<FileUrls | undefined>;
}

/** Addresses work for at least five minutes. The clocks of people's devices are often wrong, so their end is not compared. */
const FRESH_MS = 4 * 60_000;

/** Remembers what the room has answered, so that pictures which come back to the screen are drawn at once. */
export function createAddresses(room: Pick<Room, "files">): Addresses {
  const cache = new Map<string, { readonly urls: FileUrls; readonly at: number }>();
  return {
    known(id) {
      const found = cache.get(id);
      return found && performance.now() - found.at < FRESH_MS ? found.urls : undefined;
    },
    async of(id, again = false) {
      const urls = (await room.files([id], { fresh: again })).get(id);
      if (urls) cache.set(id, { urls, at: performance.now() });
      else cache.delete(id);
      return urls;
    },
  };
}
