import { expect, test } from "bun:test";
import { roomInPath, roomName } from "../../src/protocol/rooms.ts";

test.each([
  ["a combining grapheme joiner", "gen\u034feral"],
  ["a variation selector", "general\ufe0f"],
  ["a Hangul filler", "general\u3164"],
  ["nothing but a Hangul filler", "\u3164"],
  ["a joiner between Latin letters", "gen\u200deral"],
  ["a joiner between Persian letters that joins nothing", "\u200cکتاب"],
  ["a zero-width space", "general\u200b"],
  ["a blank hieroglyph", "general\u{13441}"],
  ["a filler of Khitan", "general\u{16fe4}"],
  ["five marks on one letter", "q\u0301\u0302\u0303\u0304\u0305"],
  ["thousands of marks", `a${"\u0301".repeat(32_000)}`],
])("a name with %s is not a room's", (_, name) => {
  expect(roomName(name)).toBeNull();
  expect(roomInPath(encodeURIComponent(name))).toBeNull();
});

test.each(["کتاب\u200cها", "ශ්\u200dරී", "क्\u200dष", "க்\u200cஷ", "général", "שָׁלוֹם", "ไทย", "Việt"])(
  "%s is a room's name",
  (name) => {
    expect(roomName(name)).toBe(name.normalize());
    expect(roomInPath(encodeURIComponent(name))).toBe(name.normalize());
  },
);
