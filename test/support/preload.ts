import { afterAll } from "bun:test";
import { removeTemporaryFolders } from "./folder.ts";
import { cachedTemplate } from "./template.ts";

// Creates the template of all fresh databases here, so that the first test that needs one does not time out.
await cachedTemplate();
afterAll(removeTemporaryFolders);
