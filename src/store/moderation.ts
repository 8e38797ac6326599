import type { ModerationStore } from "../chat/moderation/ports.ts";
import type { Database } from "../db/database.ts";
import { createBlockStore } from "./blocks.ts";
import { createInvitationStore } from "./invitations.ts";
import { createReportStore } from "./reports.ts";

/** Blocks, reports and invitations in SQL, with any driver. */
export const createModerationStore = (database: Database): ModerationStore => ({
  blocks: createBlockStore(database),
  reports: createReportStore(database),
  invitations: createInvitationStore(database),
});
