import { describe, expect, test } from "bun:test";
import { grantsOf, isGranted, type RoomAction } from "../src/grants.ts";

// What a token's `rooms` claim allows.

const reads = (match: string, room: string) => isGranted([{ match, allow: ["read"] }], room, "read");

describe("patterns", () => {
  test.each<[string, string, boolean]>([
    ["*", "anything", true],
    ["team", "team", true],
    ["team", "teams", false],
    ["team-*", "team-", true],
    ["team-*", "team", false],
    ["*-team", "a-team", true],
    ["*-team", "a-teams", false],
    ["a*b", "ab", true],
    ["a*a", "a", false],
    ["a*b*c", "aXbYc", true],
    ["a*b*c", "acb", false],
    ["a**b", "aXb", true],
    ["a.c", "abc", false],
    ["*a*a*", "a", false],
    ["*a*a*", "aa", true],
    ["", "", true],
  ])("%j against the whole of %j: %p", (match, room, expected) => {
    expect(reads(match, room)).toBe(expected);
  });

  // Backtracking would take for ever.
  test("a pattern of many stars is matched in linear time", () => {
    expect(reads("a*".repeat(128), `${"a".repeat(127)}b`)).toBe(false);
  });
});

test("grants add up, and each allows only its own actions", () => {
  const grants = grantsOf([
    { match: "team-*", allow: ["read"] },
    { match: "team-1", allow: ["post"] },
    { match: "closed", allow: [] },
  ]);
  const allowed = (room: string) =>
    (["read", "post"] as RoomAction[]).filter((action) => isGranted(grants ?? [], room, action));
  expect(allowed("team-1")).toEqual(["read", "post"]);
  expect(allowed("team-2")).toEqual(["read"]);
  expect(allowed("closed")).toEqual([]);
  expect(allowed("elsewhere")).toEqual([]);
});

test("a token without the claim has no grants to check, and patterns are compared in NFC", () => {
  expect(grantsOf(undefined)).toBeNull();
  const grants = grantsOf([{ match: "e\u0301*", allow: ["read"] }]);
  expect(isGranted(grants ?? [], "\u00e9t\u00e9", "read")).toBe(true);
});
