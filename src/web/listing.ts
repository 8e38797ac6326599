import type { Chat, RoomSummary } from "../client/index.ts";

/** The server's limit for a page. */
const PAGE = 200;
/** Limits the list to 1,000 rooms. */
const PAGES_MAX = 5;

/** Reads this person's rooms, or with `all` every room that they may enter. */
export async function listRooms(chat: Chat, all = false): Promise<RoomSummary[]> {
  const found: RoomSummary[] = [];
  let after: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const { rooms, next } = await chat.listRooms({ all, limit: PAGE, after });
    found.push(...rooms);
    if (next === undefined) break;
    after = next;
  }
  return found;
}
