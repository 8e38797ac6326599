import type { Mutant } from "../support/mutants.ts";

/** Bugs in what people hear of rooms that they watch. */
export const WATCH: readonly Mutant[] = [
  {
    name: "someone who is out of a room still hears of it",
    file: "connection/watching.ts",
    from: "        if (room) detach(watcher, room);\n",
    to: "",
  },
  {
    name: "people hear of rooms although nobody can check who is in them",
    file: "connection/watching.ts",
    from: "      if (now - follower.checkedAt > CHECKED_MS) break;\n",
    to: "",
  },
  {
    name: "a message that the bus lost is never heard of",
    file: "connection/watching.ts",
    from: "        moved(room, state.post);\n",
    to: "",
  },
  {
    name: "a membership whose transaction commits late is never found",
    file: "connection/follower.ts",
    from: "at > now - LATE_MS",
    to: "at >= now",
  },
  {
    name: "a socket hears of rooms that it has joined",
    file: "connection/watch.ts",
    from: "owner.joined(room) || ",
    to: "",
  },
  {
    name: "notices are activity",
    file: "connection/watching.ts",
    from: "id === version && notice === null",
    to: "id === version && notice !== undefined",
  },
];
