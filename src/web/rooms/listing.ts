import type { Chat, RoomSummary, RoomsQuery } from "../../client/index.ts";

/** The server's limit for a page. */
const PAGE = 200;
/** Limits the list to 1,000 rooms. */
const PAGES_MAX = 5;

/** Reads a list of rooms, page by page. */
export async function listAll(chat: Chat, query: RoomsQuery): Promise<RoomSummary[]> {
  const found: RoomSummary[] = [];
  let after: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const { items, next } = await chat.listRooms({ ...query, limit: PAGE, after });
    found.push(...items);
    if (next === undefined) break;
    after = next;
  }
  return found;
}
