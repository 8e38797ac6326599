import type { Database } from "../db/database.ts";
import { createCursorStore } from "./cursors.ts";
import { createSearchIndex, SEARCH } from "./searchindex.ts";

/**
 * Lets running servers index all messages again, while the search goes on with what there is. Removes the index instead if
 * the search is off.
 */
export async function reindex(database: Database, searches: boolean): Promise<void> {
  if (!searches) await createSearchIndex(database).clear();
  await createCursorStore(database).restart(SEARCH);
}
