import { reindex } from "../store/reindex.ts";
import type { Command } from "./command.ts";
import { withDatabase } from "./database.ts";
import { orSend } from "./order.ts";

export const reindexMessages: Command = {
  name: "reindex",
  about: "Index all messages for the search again, or remove the index if SEARCH is off",
  async run(context) {
    const searches = await orSend("POST /admin/search/reindex/", () =>
      withDatabase(context, async (database, { SEARCH }) => {
        await reindex(database, SEARCH === "on");
        return SEARCH === "on";
      }),
    );
    context.out(
      searches
        ? "Running servers index all messages again in the background, and so does the next one that starts."
        : "The index is removed. Servers with SEARCH=off write none.",
    );
    return 0;
  },
};
