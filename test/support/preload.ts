import { afterAll, mock } from "bun:test";
import { removeTemporaryFolders } from "./folder.ts";
import { handOver } from "./hand-over.ts";
import { openRecycled } from "./recycled.ts";
import { cachedTemplate } from "./template.ts";

// Creates the template of all fresh databases here, so that the first test that needs one does not time out.
await cachedTemplate();
await handOver();
mock.module("../../src/db/open.ts", () => ({ openDatabase: openRecycled }));
// With several processes, this runs after each file while other files still need the folders: see hand-over.ts.
if (!process.env.BUN_TEST_WORKER_ID) afterAll(removeTemporaryFolders);
