import type { Mutant } from "../support/mutants.ts";

/** Bugs in who may enter open rooms, and in what their deletion leaves. */
const OPEN: readonly Mutant[] = [
  {
    name: "anyone enters where only members may",
    file: "rights.ts",
    from: `  if (membersOnly && least === "anyone" && action !== "leave") least = "member";\n`,
    to: "",
  },
  {
    name: "the commit does not know that only members may post",
    file: "room/decide.ts",
    from: "permits(sender, action, { now, membersOnly: rules.membersOnly });",
    to: "permits(sender, action, { now });",
  },
  {
    name: "people are still members of an open room that was deleted",
    file: "room/roomchange.ts",
    from: "emptied: true,",
    to: "emptied: !isOpen,",
  },
  {
    name: "an open room begins anew with its past",
    file: "room/roomchange.ts",
    from: "deleted: !isOpen, beginsAfter: next }",
    to: "deleted: !isOpen, beginsAfter: isOpen ? room.beginsAfter : next }",
  },
];

/** Bugs in blocks. */
const BLOCKS: readonly Mutant[] = [
  {
    name: "people post in a direct room although one of them blocks the other",
    file: "rights.ts",
    from: `  if (membership.blocked) return "forbidden";\n`,
    to: "",
  },
  {
    name: "a direct room brings people together who block each other",
    file: "room/roomchange.ts",
    from: `    if (people.some((one) => people.some((other) => about.blocks(one, other)))) return "forbidden";\n`,
    to: "",
  },
  {
    name: "someone who is blocked adds the person who blocks them",
    file: "room/memberchange.ts",
    from: "(!byOperator && about.blocks(userId, change.senderId))",
    to: "(!byOperator && about.blocks(change.senderId, userId))",
  },
  {
    name: "someone who is blocked creates a room with the person who blocks them",
    file: "room/roomchange.ts",
    from: `    if (!byOperator && people.some((userId) => about.blocks(userId, senderId))) return "forbidden";\n`,
    to: "",
  },
];

/** Bugs in links. */
const LINKS: readonly Mutant[] = [
  {
    name: "a link works after it has expired",
    file: "room/memberchange.ts",
    from: "link.expiresAt <= about.now || ",
    to: "",
  },
  {
    name: "a link lets more people in than it says",
    file: "room/memberchange.ts",
    from: " || (link.left !== null && link.left <= 0)",
    to: "",
  },
  {
    name: "a revoked link works",
    file: "room/memberchange.ts",
    from: "!link || link.revoked ||",
    to: "!link ||",
  },
  {
    name: "a link lets in someone who is banned",
    file: "room/memberchange.ts",
    from: `  if (seat.banned) return "forbidden";\n  if (seat.state === "removed" &&`,
    to: `  if (seat.state === "removed" &&`,
  },
  {
    name: "a link from before their removal brings someone back",
    file: "room/memberchange.ts",
    from: `  if (seat.state === "removed" && link.version < seat.changed) return "not_found";\n`,
    to: "",
  },
  {
    name: "a member's use of a link counts",
    file: "room/memberchange.ts",
    from: `  if (seat.state === "in") return undefined;\n  if (link.expiresAt`,
    to: "  if (link.expiresAt",
  },
  {
    name: "anyone who may add people revokes the links of others",
    file: "moderation/moderation.ts",
    from: `access.narrow(pass, "moderate") ? "all" : "own"`,
    to: `access.narrow(pass, "add") ? "all" : "own"`,
  },
  {
    name: "a link is used up although nobody came in",
    file: "room/memberchange.ts",
    from: "link.left <= 0",
    to: "link.left <= 1",
  },
];

export const ACCESS: readonly Mutant[] = [...OPEN, ...BLOCKS, ...LINKS];
