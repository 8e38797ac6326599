import type { ChatStore } from "../chat/ports.ts";
import type { Rules } from "../chat/room/decide.ts";
import type { Database } from "../db/database.ts";
import { createFileLookup } from "./files.ts";
import type { JournalStore } from "../chat/eventports.ts";
import { createJournalStore } from "./journal.ts";
import { createListStore } from "./lists.ts";
import { createMemberStore } from "./members.ts";
import { createMessageStore } from "./messages.ts";
import { createModerationStore } from "./moderation.ts";
import { createThreadStore } from "./threads.ts";
import { createSearchStore } from "./search.ts";
import { createSavedStore } from "./saved.ts";
import { createWatchStore } from "./watch.ts";

/**
 * Connections for what may read much: pages of messages and lists. They are apart from the others, so that logins, joins,
 * access checks and commits do not wait for them.
 */
const READS = 3;
/** How long one statement of a page may take, in milliseconds. */
const READ_LIMIT_MS = 10_000;

type Store = Omit<ChatStore, "people" | "journal"> & {
  readonly journal: JournalStore;
  /** Makes the first commits as quick as later ones. */
  warm(): Promise<void>;
};

/** The ports of `chat/` on SQL, with any driver. */
export function createStore(database: Database, rules?: Rules): Store {
  const reads = database.pool({
    connections: database.driver === "pglite" ? 1 : READS,
    limitMs: READ_LIMIT_MS,
  });
  const messages = createMessageStore(database, reads, rules);
  return {
    messages,
    warm: messages.warm,
    members: createMemberStore(database, rules),
    files: createFileLookup(database),
    threads: createThreadStore(database, reads),
    lists: createListStore(reads),
    saved: createSavedStore(database, reads),
    journal: createJournalStore(reads),
    watch: createWatchStore(database),
    search: createSearchStore(reads),
    moderation: createModerationStore(database),
  };
}
