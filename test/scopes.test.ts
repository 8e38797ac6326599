import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import {
  covers,
  keyHolder,
  type Scope,
  scopeList,
  scopeOf,
  scopesStored,
  writtenScope,
} from "../src/scopes.ts";

const scope = (written: string) => scopeOf(written) as Scope;
const holder = (...scopes: string[]) =>
  keyHolder({ id: 1, name: "x", scopes: scopes.map(scope), expiresAt: null, budget: 10 });

describe("a scope is read as it is written", () => {
  test.each([
    ...["admin", "admin:people", "admin:keys", "events", "hooks", "as"],
    ...["rooms:read:*", "rooms:post:order-*", "rooms:moderate:lobby", "rooms:manage:~*", "rooms:read:café-*"],
  ])("%s", (written) => expect(writtenScope(scope(written))).toBe(written));

  test("and names of rooms get their normal form", () =>
    expect(writtenScope(scope("rooms:read:cafe\u0301*"))).toBe("rooms:read:café*"));

  test.each([
    ...["", "Admin", "admin:", "admin:all", "admin ", "rooms", "rooms:read", "rooms:read:", "rooms:write:x"],
    ...[
      "rooms:read:a*b",
      "rooms:read:*a",
      "rooms:read:**",
      "rooms:read:a b",
      "rooms:read:.x",
      "rooms:read:a/b",
    ],
    ...["rooms:read:a\n", "rooms:read:a?", "events:lobby", `rooms:read:${"x".repeat(65)}`, "x".repeat(170)],
  ])("%p is none", (written) => expect(scopeOf(written)).toBeUndefined());
});

test("a list of scopes is bounded, not empty, and keeps each scope once", () => {
  const parse = (scopes: unknown) => v.safeParse(scopeList, scopes);
  expect(parse(["events", "events", "rooms:read:a"]).output).toEqual([
    scope("events"),
    scope("rooms:read:a"),
  ]);
  for (const wrong of [[], "events", ["events", "rooms:all"], Array(51).fill("events"), [1], null])
    expect(parse(wrong).success).toBeFalse();
});

test("stored scopes that this version does not know allow nothing", () => {
  expect(scopesStored("events rooms:paint:* future rooms:read:a").map(writtenScope)).toEqual([
    "events",
    "rooms:read:a",
  ]);
});

// What the left one allows includes what the right one does.
test.each([
  ["admin", "admin:people"],
  ["admin", "rooms:post:*"],
  ["admin", "as"],
  ["admin:rooms", "rooms:manage:*"],
  ["admin:moderation", "rooms:moderate:lobby"],
  ["rooms:read:*", "rooms:read:~*"],
  ["rooms:read:order-*", "rooms:read:order-7"],
  ["rooms:read:order-*", "rooms:read:order-eu-*"],
  ["rooms:read:order-*", "rooms:read:order-*"],
])("%s covers %s, and not the other way round", (one, other) => {
  expect(covers(scope(one), scope(other))).toBeTrue();
  expect(covers(scope(other), scope(one))).toBe(one === other);
});

test.each([
  ["rooms:read:order-*", "rooms:read:orders"],
  ["rooms:read:order-*", "rooms:read:order*"],
  ["rooms:read:order-7", "rooms:read:order-*"],
  ["rooms:post:*", "rooms:read:a"],
  ["rooms:read:*", "rooms:post:a"],
  ["admin:rooms", "rooms:post:a"],
  ["admin:keys", "admin"],
  ["events", "rooms:read:a"],
])("%s does not cover %s", (one, other) => expect(covers(scope(one), scope(other))).toBeFalse());

test("a key is allowed what its scopes say, in their rooms", () => {
  const key = holder("rooms:read:order-*", "rooms:read:lobby", "events");
  expect([key.allows("rooms:read", "order-7"), key.allows("rooms:read", "lobby")]).toEqual([true, true]);
  expect([key.allows("rooms:read", "order"), key.allows("rooms:read", "lobby2")]).toEqual([false, false]);
  expect([key.allows("rooms:post", "order-7"), key.allows("rooms:post"), key.allows("rooms:read")]).toEqual([
    ...[false, false, true],
  ]);
  expect([key.allows("events"), key.allows("hooks"), key.allows("admin")]).toEqual([true, false, false]);
  expect(key.roomsOf("rooms:read")).toEqual(["order-*", "lobby"]);
  expect(holder("admin").roomsOf("rooms:read")).toEqual(["*"]);
  expect(holder("admin:rooms").roomsOf("rooms:manage")).toEqual(["*"]);
});
