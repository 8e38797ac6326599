import type { Mutant } from "../support/mutants.ts";

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
    from: "isHidden ? NO_FENCE : membership.fence;",
    to: "isHidden ? NO_FENCE : membership.fence + (membership.fence > 0 ? 1 : 0);",
  },
  {
    name: "the commit does not ask what its sender may do",
    file: "room/decide.ts",
    from: "      if (refused)\n        return",
    to: "      if (refused && refused === undefined)\n        return",
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
    name: "a subscription begins with an older pass than its room has",
    file: "connection/connection.ts",
    from: "const isOld = (some: Pass) => some.membership.fence < timeline.fence;",
    to: "const isOld = (some: Pass) => some.membership.fence < 0;",
  },
  {
    name: "a page of history ignores its fence",
    file: "room/history.ts",
    from: "if (page.fence > fence) throw new Outdated();",
    to: "if (page.fence < 0) throw new Outdated();",
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
    from: "const seen = { ...view, from: membership.from };",
    to: "const seen = { ...view, from: 1 || membership };",
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
    from: "return known && !refusalOf(person, known, action) ? issue<A>(person, room, known) : undefined;",
    to: `const refusal = known && refusalOf(person, known, action);
    if (refusal) throw refusal;
    return known && issue<A>(person, room, known);`,
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
    name: "someone whose coming was never told stays present for whoever joined meanwhile",
    file: "ephemeral/presence.ts",
    from: "      room.named = new Map(room.named).set(userId, person.person);\n",
    to: "",
  },
  {
    name: "the last owner goes while others stay",
    file: "room/memberchange.ts",
    from: `  if (sender.role === "owner" && losesOwners(seats, about)) return "last_owner";\n`,
    to: "",
  },
  {
    name: "what was before a room was deleted is seen again",
    file: "rights.ts",
    from: "from: Math.max(seat.fromId, room.beginsAfter + 1),",
    to: "from: Math.max(seat.fromId, 1),",
  },
  {
    name: "a room that was deleted is still there",
    file: "room/roomchange.ts",
    from: "deleted: !isOpen, beginsAfter: next }",
    to: "deleted: false, beginsAfter: next }",
  },
  {
    name: "someone who comes back sees what was before",
    file: "room/memberchange.ts",
    from: `fromId: room.history === "all" ? 0 : next,`,
    to: `fromId: room.history === "all" || seat.state !== "none" ? 0 : next,`,
  },
  {
    name: "any member pins messages",
    file: "rights.ts",
    from: `    pin: "moderator",\n`,
    to: `    pin: "member",\n`,
  },
  {
    name: "messages are pinned in an archived room",
    file: "rights.ts",
    from: `if (action !== "post" && action !== "pin") return undefined;`,
    to: `if (action !== "post") return undefined;`,
  },
  {
    name: "a deleted message stays pinned",
    file: "room/decide.ts",
    from: `      if (message.deletedAt) rulings.pins.set({ room: change.room, id: message.id, version: null });\n`,
    to: "",
  },
  {
    name: "a message from before they joined is pinned",
    file: "room/pins.ts",
    from: "if (!message || id < sender.from) return",
    to: "if (!message) return",
  },
  {
    name: "pins from before they joined are shown",
    file: "room/history.ts",
    from: "store.pinned(pass.room, { before, from })",
    to: "store.pinned(pass.room, { before, from: 1 || from })",
  },
  {
    name: "a page of pins is shown although its reader was removed",
    file: "room/history.ts",
    from: "checked(pass, await store.pinned(pass.room, { before, from }))",
    to: "await store.pinned(pass.room, { before, from })",
  },
];
