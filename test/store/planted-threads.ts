import type { Mutant } from "../support/mutants.ts";

/** Bugs in the SQL of threads. */
export const THREADS: readonly Mutant[] = [
  {
    name: "a summary counts deleted replies",
    file: "threading.ts",
    from: "count(room, message.thread.root, -1);",
    to: "count(room, message.thread.root, 0);",
  },
  {
    name: "a summary names a reply that was deleted as the last one",
    file: "threading.ts",
    from: "where ${unguessed(sql`x.deleted_at is null`)} ${atMost(SENDERS_LOOK)}",
    to: "${atMost(SENDERS_LOOK)}",
  },
  {
    name: "the read mark of a thread moves back",
    file: "threads.ts",
    from: "last_read = greatest(o.last_read,",
    to: "last_read = greatest(0,",
  },
  {
    name: "a page of a thread begins before its reader may see",
    file: "page.ts",
    from: "backward ? range.before : Math.max(range.after, from - 1);",
    to: "backward ? range.before : range.after;",
  },
  {
    name: "the list of threads shows rooms that its reader has left",
    file: "threads.ts",
    from: "and x.state = 'in' limit 1) m",
    to: "limit 1) m",
  },
  {
    name: "replies in threads are unread in the room",
    file: "unread.ts",
    from: "and (x.thread is null or x.also_room) and",
    to: "and",
  },
  {
    name: "a reply in a thread moves its room up",
    file: "statements.ts",
    from: "message.notice === null && isMain(message)",
    to: "message.notice === null",
  },
];
