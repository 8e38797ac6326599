import type { Mutant } from "../support/mutants.ts";

/** Bugs in who gets what that the simulation reaches too rarely or cannot see. Their files are in `src/chat`. */
export const MUTANTS: readonly Mutant[] = [
  // A page that is read after the jump has a newer fence, which suspends its reader too.
  {
    name: "a jump spares subscriptions that are behind",
    file: "connection/subscription.ts",
    from: "    this.isSuspended = true;\n    // Nothing is missed",
    to: `    if (this.state === "live") this.isSuspended = true;\n    // Nothing is missed`,
  },
  // The timeline suspends its readers whenever its fence moves, and no page shows what it has not released.
  {
    name: "a page of a replay ignores its fence",
    file: "connection/subscription.ts",
    from: "if (page.fence > this.pass.membership.fence) this.isSuspended = true;",
    to: "",
  },
  // It takes a page that was read after a removal which one range skips, for someone who is in the middle of that page.
  {
    name: "a suspended subscription sends the page that was under way",
    file: "connection/subscription.ts",
    from: "if (this.isSuspended || this.setbacks !== timeline.setbacks) return false;",
    to: "if (this.setbacks !== timeline.setbacks) return false;",
  },
  // Its fence keeps what was written after a removal from its reader; what remains is a state that others get a moment later.
  {
    name: "a plain page is sent before its counter was released",
    file: "connection/subscription.ts",
    from: "if (reader.codec.byId && this.isBehind() && page.counter > timeline.released)",
    to: "if (reader.codec.byId && page.counter < 0)",
  },
  // It takes a notice that moves the fence in the milliseconds after a block, and a post of one of the two right after it.
  {
    name: "a pass in memory outlives a notice that nobody saw",
    file: "access/access.ts",
    from: "  if (membership.fence !== fence - 1) return undefined;\n",
    to: "",
  },
  // It takes a node that has missed both notices, and on which the person has not been before.
  {
    name: "someone who is back is taken out by the old notice",
    file: "access/access.ts",
    from: "if (!notice || membership.version >= version) return membership;",
    to: "if (!notice) return membership;",
  },
  // Whoever stays becomes a member again with the next message, which comes soon.
  {
    name: "sockets stay in an open room that was deleted",
    file: "access/access.ts",
    from: `if (notice.type === "deleted") return "deleted";`,
    to: `if (notice.type === "deleted" && membership.kind !== "open") return "deleted";`,
  },
  // What watching sockets get is too little to fill them.
  {
    name: "a socket that was too slow to hear of a message never does",
    file: "connection/watch.ts",
    from: "    this.owner.parts.watching.resend(this.owner, since);\n",
    to: "    void since;\n",
  },
  // Two moderators of one room seldom meet in the simulation.
  {
    name: "moderators decide about each other",
    file: "rights.ts",
    from: `actor.role === "owner" || target.state !== "in" || target.role === "member";`,
    to: `actor.role !== "member" || target.state !== "in";`,
  },
  // Whoever falls behind pages what the jump skips, and the page has the newer fence.
  {
    name: "a jump suspends nobody",
    file: "room/timeline.ts",
    from: "if (goesBack || newFence !== fence) moveFence(newFence);",
    to: "if (goesBack || newFence !== fence) fence = newFence;",
  },
  // What moves the fence without a notice takes nothing that readers see, and posts are fenced off anyway.
  {
    name: "a fence that moved unseen suspends nobody",
    file: "room/timeline.ts",
    from: "if (page.fence > fence && !stopped) moveFence(page.fence);",
    to: "if (page.fence > fence && !stopped) fence = page.fence;",
  },
];
