import { afterAll, mock } from "bun:test";
import { removeTemporaryFolders } from "./folder.ts";
import { openRecycled } from "./recycled.ts";
import { cachedTemplate } from "./template.ts";

// What every fresh database starts from is made here, not within the time of the first test that wants one.
await cachedTemplate();
mock.module("../../src/db/open.ts", () => ({ openDatabase: openRecycled }));
// If several processes share the work, this runs after each file, while others still need the folders: run.ts removes them.
if (!process.env.BUN_TEST_WORKER_ID) afterAll(removeTemporaryFolders);
