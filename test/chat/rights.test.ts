import { expect, test } from "bun:test";
import {
  type Action,
  type Membership,
  membershipOf,
  mutedFor,
  noRoom,
  outranks,
  permits,
  STRANGER,
} from "../../src/chat/rights.ts";
import { EVERYONE_MAX } from "../../src/protocol/mentions.ts";

const NOW = 1_000_000;
const ACTIONS: readonly Action[] = [
  "read",
  "post",
  "retract",
  "members",
  "join",
  "leave",
  "add",
  "remove",
  "mute",
  "ban",
  "moderate",
  "describe",
  "pin",
  "govern",
];

const base = membershipOf("garden", { ...noRoom("garden"), exists: true, version: 9 }, STRANGER);
const of = (more: Partial<Membership>): Membership => ({ ...base, ...more });
/** What someone may do, and the reasons why they may not do the rest. */
function rightsOf(membership: Membership, membersOnly = false) {
  const answers = ACTIONS.map((action) => [action, permits(membership, action, { now: NOW, membersOnly })]);
  return {
    may: answers.flatMap(([action, refused]) => (refused === undefined ? action : [])).join(" "),
    else: [...new Set(answers.flatMap(([, refused]) => refused ?? []))].join(" "),
  };
}
const IN = { state: "in" } as const;
const MODERATES = "remove mute ban moderate";

test("everyone may use an open room; moderators whom an operator appointed keep order, and nobody changes it", () => {
  const anyone = "read post retract members join leave";
  expect(rightsOf(base)).toEqual({ may: anyone, else: "forbidden" });
  expect(rightsOf(of(IN)).may).toBe(anyone);
  for (const role of ["moderator", "owner"] as const) {
    expect(rightsOf(of({ ...IN, role })).may).toBe(`${anyone} ${MODERATES}`);
    expect(rightsOf(of({ state: "left", role })).may).toBe(anyone);
  }
  for (const state of ["left", "removed"] as const) expect(rightsOf(of({ state })).may).toBe(anyone);
  expect(rightsOf(of({ banned: true }))).toEqual({ may: "leave", else: "forbidden" });
  expect(rightsOf(membershipOf("new", noRoom("new"), STRANGER)).may).toBe(anyone);
});

test("with members only, open rooms are closed to others, whether they exist or not", () => {
  expect(rightsOf(base, true)).toEqual({ may: "leave", else: "forbidden" });
  expect(rightsOf(membershipOf("new", noRoom("new"), STRANGER), true).may).toBe("leave");
  expect(rightsOf(of(IN), true).may).toBe("read post retract members join leave");
});

test("a private room belongs to its members, by their roles", () => {
  const room = { kind: "private" } as const;
  const member = "read post retract members leave";
  expect(rightsOf(of({ ...room, ...IN }))).toEqual({ may: member, else: "forbidden" });
  expect(rightsOf(of({ ...room, ...IN, membersAdd: true })).may).toBe(`${member} add`);
  const moderator = `${member} add ${MODERATES} describe pin`;
  expect(rightsOf(of({ ...room, ...IN, role: "moderator" })).may).toBe(moderator);
  expect(rightsOf(of({ ...room, ...IN, role: "owner" })).may).toBe(`${moderator} govern`);
  for (const state of ["none", "left", "removed"] as const)
    expect(rightsOf(of({ ...room, state, role: "owner" }))).toEqual({ may: "", else: "forbidden" });
  expect(rightsOf(of({ ...room, ...IN, banned: true }))).toEqual({ may: "", else: "forbidden" });
});

test("a direct room has no roles, and nobody comes or goes", () => {
  for (const role of ["member", "owner"] as const)
    expect(rightsOf(of({ kind: "direct", ...IN, role }))).toEqual({
      may: "read post retract members pin",
      else: "direct_room",
    });
  expect(rightsOf(of({ kind: "direct", ...IN, blocked: true }))).toEqual({
    may: "read retract members",
    else: "forbidden direct_room",
  });
  expect(rightsOf(of({ kind: "direct" }))).toEqual({ may: "", else: "forbidden" });
});

test("members of private rooms may mention everyone, unless the room is large; elsewhere only moderators may", () => {
  const may = (more: Partial<Membership>, members = 2) =>
    permits(of({ ...IN, ...more }), "everyone", { now: NOW, members });
  for (const kind of ["private", "direct"] as const) expect(may({ kind }, EVERYONE_MAX)).toBeUndefined();
  expect(may({ kind: "private" }, EVERYONE_MAX + 1)).toBe("everyone_denied");
  expect(may({ kind: "open" })).toBe("everyone_denied");
  for (const kind of ["private", "open"] as const)
    for (const role of ["moderator", "owner"] as const)
      expect(may({ kind, role }, EVERYONE_MAX + 1)).toBeUndefined();
});

test("strangers cannot tell a private room that the server named from one that does not exist", () => {
  const secret = { kind: "private", secret: true } as const;
  const unknown = membershipOf("~abc", noRoom("~abc"), STRANGER);
  expect(rightsOf(unknown)).toEqual({ may: "", else: "not_found" });
  expect(rightsOf(of(secret))).toEqual(rightsOf(unknown));
  for (const known of [{ state: "left" }, { state: "removed" }, { banned: true }] as const)
    expect(rightsOf(of({ ...secret, ...known }))).toEqual({ may: "", else: "forbidden" });
});

test("an archived room can be read and governed, and nobody posts or pins in it", () => {
  expect(rightsOf(of({ kind: "private", ...IN, role: "owner", archived: true }))).toEqual({
    may: `read retract members leave add ${MODERATES} describe govern`,
    else: "archived forbidden",
  });
  for (const action of ["post", "pin"] as const)
    expect(permits(of({ kind: "direct", ...IN, archived: true }), action, { now: NOW })).toBe("archived");
});

test("a deleted room is not found by anyone, whatever they were in it", () => {
  expect(rightsOf(of({ kind: "private", ...IN, role: "owner", deleted: true }))).toEqual({
    may: "",
    else: "not_found",
  });
  expect(rightsOf(of({ deleted: true, banned: true })).else).toBe("not_found");
});

test("anyone who is muted may do everything but post, until that ends", () => {
  for (const mutedUntil of [NOW + 1, Infinity])
    expect(permits(of({ mutedUntil }), "post", { now: NOW })).toBe("muted");
  expect(permits(of({ mutedUntil: NOW }), "post", { now: NOW })).toBeUndefined();
  expect(permits(of({ mutedUntil: NOW + 1 }), "retract", { now: NOW })).toBeUndefined();
  expect([NOW + 500, Infinity].map((mutedUntil) => mutedFor({ mutedUntil }, NOW))).toEqual([500, undefined]);
});

test("moderators have power over plain members and strangers alone, owners over everyone", () => {
  const seat = (role: Membership["role"], state: Membership["state"] = "in") => ({
    ...STRANGER,
    role,
    state,
  });
  const over = (role: Membership["role"]) =>
    [seat("member"), seat("moderator"), seat("owner"), seat("owner", "left"), STRANGER].map((target) =>
      outranks(seat(role), target),
    );
  expect(over("moderator")).toEqual([true, false, false, true, true]);
  expect(over("owner")).toEqual([true, true, true, true, true]);
});

test("someone sees messages from where their membership and the room's present life begin", () => {
  const fromOf = (fromId: number, beginsAfter: number) =>
    membershipOf("~a", { ...noRoom("~a"), beginsAfter }, { ...STRANGER, fromId }).from;
  expect([fromOf(0, 0), fromOf(7, 0), fromOf(0, 7), fromOf(12, 7)]).toEqual([1, 7, 8, 12]);
});
