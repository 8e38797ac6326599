import type { ModerationStore } from "../chat/moderationports.ts";
import type { Database } from "../db/database.ts";
import { createBlockStore } from "./blocks.ts";
import { createInvitationStore } from "./invitations.ts";
import { createPurgeStore } from "./purge.ts";
import { createReportStore } from "./reports.ts";
import { createSuccessionStore } from "./succession.ts";

/** What moderation needs, in SQL, with any driver. */
export const createModerationStore = (database: Database): ModerationStore => ({
  blocks: createBlockStore(database),
  reports: createReportStore(database),
  invitations: createInvitationStore(database),
  purge: createPurgeStore(database),
  succession: createSuccessionStore(database),
});
