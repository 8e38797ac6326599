import { afterAll } from "bun:test";
import { removeTemporaryFolders } from "./folder.ts";
import { cachedTemplate } from "./template.ts";

// What every fresh database starts from is made here, not within the time of the first test that wants one.
await cachedTemplate();
afterAll(removeTemporaryFolders);
