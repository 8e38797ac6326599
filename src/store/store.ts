import type { ChatStore } from "../chat/ports.ts";
import type { Rules } from "../chat/room/decide.ts";
import type { Database } from "../db/database.ts";
import { createListStore } from "./lists.ts";
import { createMemberStore } from "./members.ts";
import { createMessageStore } from "./messages.ts";

/** The ports of `chat/` on SQL, with any driver. */
export const createStore = (database: Database, rules?: Rules): ChatStore => ({
  messages: createMessageStore(database, rules),
  members: createMemberStore(database),
  lists: createListStore(database),
});
