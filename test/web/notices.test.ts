import { expect, test } from "bun:test";
import type { Notice } from "../../src/client/index.ts";
import { sentenceOf, textOf } from "../../src/web/conversation/notices.ts";
import { muteEnd } from "../../src/web/page/time.ts";
import { en } from "../../src/web/words/en.ts";
import { titleOf } from "../../src/web/words/naming.ts";

const ADA = { id: "u_ada", username: "ada", name: "Ada" };
const BEN = { id: "u_ben", username: "ben" };
const CY = { id: "u_cy", username: "cy" };
const DEE = { id: "u_dee", username: "dee" };
const SYSTEM = { id: "u_system", username: "parley" };

const notice = (by: Notice["by"], type: string, more: Partial<Notice["notice"]> = {}): Notice => ({
  id: 1,
  version: 1,
  timestamp: "2030-01-31T12:00:00.000Z",
  by,
  notice: { type, users: [], ...more },
});

test("a notice is a sentence from the reader's point of view, with plurals and few names", () => {
  const sentences: [Notice, forBen: string, forDee: string][] = [
    [notice(ADA, "added", { users: [BEN] }), "Ada added you", "Ada added ben"],
    [notice(BEN, "added", { users: [CY, DEE] }), "You added cy and dee", "ben added cy and you"],
    [
      notice(ADA, "added", { users: [BEN, CY, ADA, DEE] }),
      "Ada added you, cy and 2 others",
      "Ada added ben, cy and 2 others",
    ],
    [
      notice(BEN, "left", { users: [BEN], heir: DEE }),
      "You left; dee is an owner now",
      "ben left; you are an owner now",
    ],
    [notice(BEN, "joined", { users: [BEN] }), "You joined", "ben joined"],
    [notice(SYSTEM, "banned", { users: [BEN] }), "The operator banned you", "The operator banned ben"],
    [notice(ADA, "role", { users: [BEN], role: "owner" }), "Ada made you an owner", "Ada made ben an owner"],
    [
      notice(ADA, "role", { users: [BEN, CY], role: "moderator" }),
      "Ada made you and cy moderators",
      "Ada made ben and cy moderators",
    ],
    [
      notice(BEN, "title", { title: "Plans" }),
      "You renamed the room to Plans",
      "ben renamed the room to Plans",
    ],
    [
      notice(BEN, "title", { title: "" }),
      "You removed the title of the room",
      "ben removed the title of the room",
    ],
    [
      notice(ADA, "muted", { users: [BEN], until: "2030-02-01T00:00:00Z" }),
      "Ada muted you until then",
      "Ada muted ben until then",
    ],
    [
      notice(ADA, "created", { users: [ADA, BEN] }),
      "Ada created the room with you",
      "Ada created the room with ben",
    ],
    [notice(ADA, "something new"), "Ada changed the room", "Ada changed the room"],
  ];
  for (const [one, forBen, forDee] of sentences) {
    expect(textOf(sentenceOf(one, BEN, () => "then"))).toBe(forBen);
    expect(textOf(sentenceOf(one, DEE, () => "then"))).toBe(forDee);
  }
});

test("a mute that has an end is over by then", () => {
  const now = Date.parse("2030-01-31T12:00:00Z");
  const until = "2030-02-01T00:00:00Z";
  expect(muteEnd(until, now)).toBe(Date.parse(until));
  expect(muteEnd(until, Date.parse(until))).toBeUndefined();
  expect(muteEnd(null, now)).toBe(Infinity);
  expect(muteEnd(undefined, now)).toBeUndefined();
});

test("a room is called by its title, the people of a direct one, or its name", () => {
  const room = { room: "~abc", kind: "private", title: "" } as const;
  expect(titleOf({ ...room, title: "Plans" }, "u_ada")).toBe("Plans");
  expect(titleOf(room, "u_ada")).toBe("Untitled room");
  expect(titleOf({ room: "lobby", kind: "open", title: "" }, "u_ada")).toBe("lobby");
  expect(titleOf({ ...room, kind: "direct", people: [BEN, CY, ADA] }, "u_ada")).toBe("ben and cy");
  expect(titleOf({ ...room, kind: "direct", people: [ADA] }, "u_ada")).toBe("Ada");
  expect(en.names.some(["a", "b", "c", "d", "e"], 3)).toBe("a, b and 3 others");
});
