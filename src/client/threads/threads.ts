// The part of the client for threads.
export { createThreadList } from "./list.ts";
export { createThread } from "./thread.ts";
