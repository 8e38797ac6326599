import { createRedisNode } from "./node.ts";

// A node in a process of its own, for a test that kills it: `bun lone-node.ts <redis url>`.
await createRedisNode(process.argv[2] ?? "", "test:");
