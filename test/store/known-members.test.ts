import { expect, test } from "bun:test";
import { createKnownMembers } from "../../src/store/known-members.ts";

// What a node remembers about members is bounded, and one person cannot make it forget everyone.

test("someone who posts to very many rooms displaces only what was used least recently", () => {
  const known = createKnownMembers();
  const [ADA, MALLORY] = [1, 2];
  const isKnown = (room: string, senderId: number) => known.newcomers([{ room, senderId }]).length === 0;
  const early = Array.from({ length: 100 }, (_, index) => `early-${index}`);
  known.enrolled(early.map((room) => ({ room, senderId: ADA })));
  for (let index = 0; index < 20_000; index++) known.enrolled([{ room: `spam-${index}`, senderId: MALLORY }]);
  expect(early.every((room) => isKnown(room, ADA))).toBe(true);
  // These are used; the others are not.
  known.enrolled(early.slice(0, 10).map((room) => ({ room, senderId: 3 })));
  for (let index = 0; index < 10_000; index++) known.enrolled([{ room: `more-${index}`, senderId: MALLORY }]);
  expect(early.filter((room) => isKnown(room, ADA))).toEqual(early.slice(0, 10));
  expect(isKnown("more-9999", MALLORY)).toBe(true);
});

test("a room whose leavers changed forgets its members, and one that was forgotten expects none", () => {
  const known = createKnownMembers();
  known.seen("lobby", 3);
  known.enrolled([{ room: "lobby", senderId: 1 }]);
  expect(known.leaversOf("lobby")).toBe(3);
  known.seen("lobby", 3);
  expect(known.newcomers([{ room: "lobby", senderId: 1 }])).toEqual([]);
  known.seen("lobby", 4);
  expect(known.newcomers([{ room: "lobby", senderId: 1 }])).toHaveLength(1);
  for (let index = 0; index < 30_000; index++) known.enrolled([{ room: `other-${index}`, senderId: 2 }]);
  expect(known.leaversOf("lobby")).toBe(0);
});
