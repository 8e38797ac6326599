import type { Mutant } from "./planted.ts";

/** Bugs in what people may do in rooms, and see of them. */
export const PEOPLE: readonly Mutant[] = [
  {
    name: "what was fenced off is never committed",
    file: "room/committer.ts",
    from: "        if (isNew) continue;\n",
    to: "        if (isNew) return;\n",
  },
  {
    name: "a post carries the fence of the room, not of its sender's pass",
    file: "access/submit.ts",
    from: "const change = signed(wish, room, person, fence, origin);",
    to: "const change = signed(wish, room, person, fence + (fence > 0 ? 1 : 0), origin);",
  },
  {
    name: "the commit does not ask what its sender may do",
    file: "room/decide.ts",
    from: "      if (refused)\n        return",
    to: "      if (refused && refused === undefined)\n        return",
  },
  {
    name: "moderators decide about each other",
    file: "rights.ts",
    from: `actor.role === "owner" || target.state !== "in" || target.role === "member";`,
    to: `actor.role !== "member" || target.state !== "in";`,
  },
  {
    name: "an archived room takes posts",
    file: "rights.ts",
    from: `  if (membership.archived) return "archived";\n`,
    to: "",
  },
  {
    name: "someone who is muted posts",
    file: "rights.ts",
    from: `return isMuted(membership, now) ? "muted" : undefined;`,
    to: `return isMuted(membership, now) && now < 0 ? "muted" : undefined;`,
  },
  {
    name: "subscriptions end after the next publish",
    file: "room/timeline.ts",
    from: "const part = at === -1 ? rest : rest.slice(0, at + 1);",
    to: "const part = rest;",
  },
  {
    name: "a reaction on a notice",
    file: "room/decide.ts",
    from: `  if (message.notice !== null) return "notice_fixed";\n`,
    to: "",
  },
  {
    name: "a jump spares subscriptions that are behind",
    file: "connection/subscription.ts",
    from: "    this.isSuspended = true;\n    // Nothing is missed",
    to: `    if (this.state === "live") this.isSuspended = true;\n    // Nothing is missed`,
  },
  {
    name: "a jump suspends nobody",
    file: "room/timeline.ts",
    from: "if (goesBack || newFence !== fence) moveFence(newFence);",
    to: "if (goesBack || newFence !== fence) fence = newFence;",
  },
  {
    name: "a fence that moved unseen suspends nobody",
    file: "room/timeline.ts",
    from: "if (page.fence > fence && !stopped) moveFence(page.fence);",
    to: "if (page.fence > fence && !stopped) fence = page.fence;",
  },
  {
    name: "a plain page is sent before its counter was released",
    file: "connection/subscription.ts",
    from: "if (reader.codec.byId && this.isBehind() && page.counter > timeline.released)",
    to: "if (reader.codec.byId && page.counter < 0)",
  },
  {
    name: "someone who is back is taken out by the old notice",
    file: "access/access.ts",
    from: "if (!notice || membership.version >= version) return membership;",
    to: "if (!notice) return membership;",
  },
  {
    name: "a subscription begins with an older pass than its room has",
    file: "connection/connection.ts",
    from: "const isOld = () => pass.membership.fence < timeline.fence;",
    to: "const isOld = () => pass.membership.fence < 0;",
  },
  {
    name: "a page of history ignores its fence",
    file: "room/history.ts",
    from: "if (page.fence > fence) throw new Outdated();",
    to: "if (page.fence < 0) throw new Outdated();",
  },
  {
    name: "a page of a replay ignores its fence",
    file: "connection/subscription.ts",
    from: "if (page.fence > this.pass.membership.fence) this.isSuspended = true;",
    to: "",
  },
  {
    name: "a replay shows newcomers what was before them",
    file: "connection/subscription.ts",
    from: "      if (message.id < this.from) continue;\n",
    to: "",
  },
  {
    name: "live changes show newcomers what was before them",
    file: "delivery/newcomers.ts",
    from: "      if (reader.from <= 1) return;\n",
    to: "      if (reader.from > 0) return;\n",
  },
  {
    name: "a page of history shows newcomers what was before them",
    file: "room/history.ts",
    from: "{ messages, bytes }, { from, notices });",
    to: "{ messages, bytes }, { from: Math.min(from, 1), notices });",
  },
  {
    name: "a resend is refused although it had been committed",
    file: "access/submit.ts",
    from: "    if (!refusal.isKnown) return answer(refusal);\n",
    to: "    if (refusal.code) return answer(refusal);\n",
  },
  {
    name: "rights come before the first ack",
    file: "room/decide.ts",
    from: "    if (before) return repeated(change, before);\n    const room",
    to: '    if (before && change.kind !== "post") return repeated(change, before);\n    const room',
  },
  {
    name: "a refusal from memory",
    file: "access/access.ts",
    from: "return known && !refusalOf(known, action) ? issue<A>(person, room, known) : undefined;",
    to: `const refusal = known && refusalOf(known, action);
    if (refusal) throw refusal;
    return known && issue<A>(person, room, known);`,
  },
  {
    name: "a pass in memory outlives a notice that nobody saw",
    file: "access/access.ts",
    from: "  if (membership.fence !== fence - 1) return undefined;\n",
    to: "",
  },
  {
    name: "a suspended subscription sends the page that was under way",
    file: "connection/subscription.ts",
    from: "if (this.isSuspended || this.setbacks !== timeline.setbacks) return false;",
    to: "if (this.setbacks !== timeline.setbacks) return false;",
  },
  {
    name: "a notice takes nobody out of the room",
    file: "access/access.ts",
    from: `  if (isNamed && (notice.type === "removed" || notice.type === "banned")) return "removed";\n`,
    to: "",
  },
  {
    name: "a stranger learns that a room exists",
    file: "rights.ts",
    from: `    if (state === "none" && secret) return "not_found";\n`,
    to: "",
  },
  {
    name: "a reader that missed more takes the notice of its removal for its position",
    file: "connection/subscription.ts",
    from: `this.state === "behind" && this.position >= notice.version - 1`,
    to: `this.state === "behind" && this.position > 0`,
  },
  {
    name: "a message that was posted before a removal and changed after it is not new to anyone",
    file: "room/timeline.ts",
    from: "    if (isTorn(rest, released)) return jump(end, fenceAfter(rest, fence));\n",
    to: "    void isTorn;\n",
  },
  {
    name: "half a page is from another epoch",
    file: "room/history.ts",
    from: "      if (head && head.epoch !== tail.epoch) throw new Outdated();\n",
    to: "",
  },
  {
    name: "a plain sender who came back never gets the echo of an earlier message",
    file: "codecs/plain.ts",
    from: "      if (id < pass.membership.from) return sendOwn();\n",
    to: "",
  },
  {
    name: "the last owner goes while others stay",
    file: "room/appoint.ts",
    from: `  if (sender.role === "owner" && losesOwners(seats, about)) return "last_owner";\n`,
    to: "",
  },
  {
    name: "someone who comes back sees what was before",
    file: "room/appoint.ts",
    from: `fromId: room.history === "all" ? 0 : next,`,
    to: `fromId: room.history === "all" || seat.state !== "none" ? 0 : next,`,
  },
];
