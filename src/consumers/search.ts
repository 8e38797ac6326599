import { type Clock, slicing } from "../clock.ts";
import { termsOfMessage } from "../search/terms.ts";
import { type Entry, type IndexBatch, SEARCH, type SearchIndex } from "../store/searchindex.ts";
import type { Consumer } from "./consumer.ts";

/** Keeps the index of messages up to date. */
export const searchConsumer = (index: SearchIndex, clock: Clock): Consumer<IndexBatch> => ({
  name: SEARCH,
  read: ({ roomId }, after) => index.read(roomId, after),
  async handle({ roomId }, { messages }) {
    const pause = slicing(clock);
    const entries: Entry[] = [];
    for (const message of messages) {
      const { id, version, gone } = message;
      entries.push({ id, version, terms: gone ? null : termsOfMessage(message) });
      await pause();
    }
    await index.write(roomId, entries);
  },
});
