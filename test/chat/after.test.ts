import { expect, test } from "bun:test";
import { createAccess } from "../../src/chat/access/access.ts";
import type { Pass } from "../../src/chat/pass.ts";
import { type Membership, membershipOf, noRoom, STRANGER } from "../../src/chat/rights.ts";
import type { Message, Notice } from "../../src/message.ts";
import { passFor } from "../support/stubs.ts";

// What a notice that takes rights makes of a pass that was read before it, without asking the database.

type Parts = Parameters<typeof createAccess>[0];
const { after } = createAccess({ policy: "open" } as unknown as Parts);

/** A pass of user 1 for a private room, as it was at a version and a fence. */
const passAt = (version: number, fence: number): Pass => {
  const room = { ...noRoom("sea"), exists: true, kind: "private", version, fence } as const;
  const membership: Membership = { ...membershipOf("sea", room, STRANGER), state: "in" };
  return { ...passFor({ userId: 1, username: "ada" }, "sea"), membership } as Pass;
};
const noticeAt = (version: number, fence: number, userId: number, type: Notice["type"] = "removed") =>
  ({
    version,
    notice: { type, fence, users: [{ userId, id: `u_${userId}`, username: "x", name: null }] },
  }) as unknown as Message;

test("a notice about others moves the fence of a pass that it follows", () => {
  expect(after(passAt(5, 3), noticeAt(6, 4, 2))).toMatchObject({ membership: { version: 6, fence: 4 } });
});

test("a pass that missed a change of rights is read again, not taken on", () => {
  expect(after(passAt(5, 2), noticeAt(6, 4, 2))).toBeUndefined();
});

test("an old notice does not take out someone who is back since", () => {
  const pass = passAt(8, 5);
  expect(after(pass, noticeAt(6, 4, 1))).toBe(pass);
  expect(after(passAt(5, 3), noticeAt(6, 4, 1))).toBe("removed");
  expect(after(passAt(5, 3), noticeAt(6, 4, 2, "deleted"))).toBe("deleted");
});
