import type { Mutant } from "../support/mutants.ts";

/** Bugs in threads. */
export const THREADS: readonly Mutant[] = [
  {
    name: "a reply to a reply begins a thread of its own",
    file: "room/replying.ts",
    from: "{ ...post, thread: { ...post.thread, root: root.id } }",
    to: "{ ...post }",
  },
  {
    name: "a thread begins with whatever comes first",
    file: "access/threads.ts",
    from: "if (first?.id !== root || first.thread !== null)",
    to: "if (!first)",
  },
  {
    name: "newcomers hear of threads from before they came",
    file: "delivery/newcomers.ts",
    from: "[...readers].filter(({ from }) => id < from)",
    to: "[...readers].filter(({ from }) => id < from && from < 0)",
  },
  {
    name: "someone replies in a thread whose first message they do not see",
    file: "room/replying.ts",
    from: "return !root || root.id < from ? UNTHREADABLE : undefined;",
    to: "return !root ? UNTHREADABLE : undefined;",
  },
];
