import type { ChatStore } from "../chat/ports.ts";
import type { Rules } from "../chat/room/decide.ts";
import type { Database } from "../db/database.ts";
import { createListStore } from "./lists.ts";
import { createMemberStore } from "./members.ts";
import { createMessageStore } from "./messages.ts";
import { createModerationStore } from "./moderation.ts";
import { createWatchStore } from "./watch.ts";

/**
 * Connections for what may read much: pages of messages and lists. They are apart from the others, so that logins, joins,
 * access checks and commits do not wait for them.
 */
const READS = 3;
/** How long one statement of a page may take, in milliseconds. */
const READ_LIMIT_MS = 10_000;

/** The ports of `chat/` on SQL, with any driver. */
export function createStore(database: Database, rules?: Rules): Omit<ChatStore, "people"> {
  const reads = database.pool({
    connections: database.driver === "pglite" ? 1 : READS,
    limitMs: READ_LIMIT_MS,
  });
  return {
    messages: createMessageStore(database, reads, rules),
    members: createMemberStore(database, rules),
    lists: createListStore(reads),
    watch: createWatchStore(database),
    moderation: createModerationStore(database),
  };
}
