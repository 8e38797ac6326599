import { createRedisNode } from "./node.ts";

// Runs a node in its own process, for a test that kills it: `bun lone-node.ts <redis url>`.
await createRedisNode(process.argv[2] ?? "", "test:");
