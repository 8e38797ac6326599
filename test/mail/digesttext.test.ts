import { expect, test } from "bun:test";
import { digestBlocks } from "../../src/mail/digesttext.ts";
import { htmlText, plainText } from "../../src/mail/html.ts";
import type { UnreadMessage } from "../../src/store/digests.ts";

const SITE = { base: "https://chat.example.com", site: "chat.example.com", content: true };

const message = (at: number, more: Partial<UnreadMessage> = {}): UnreadMessage => ({
  ...{ room: "garden", kind: "open", title: "", id: at, at, sender: "Ben", content: `text ${at}`, files: 0 },
  ...more,
});

test("MAIL_CONTENT=off leaves out what messages say, and keeps who wrote where", () => {
  const unread = [message(1), message(2, { sender: "Eve" }), message(3, { content: "", files: 2 })];
  const { subject, blocks } = digestBlocks(unread, { ...SITE, content: false });
  const text = plainText(blocks);
  expect(text).toContain(
    "#garden\nhttps://chat.example.com/#/room/garden/1\n\n3 unread messages by Ben, Eve",
  );
  for (const shown of [subject, text, htmlText(subject, blocks)]) expect(shown).not.toMatch(/text \d|files/);
});

test("the room with the newest message comes first, with its last five messages, and long texts are cut", () => {
  const unread = [
    message(1, { room: "~d", kind: "direct", sender: "Zoë", content: "😀".repeat(400) }),
    ...Array.from({ length: 8 }, (_, index) => message(2 + index, { title: "The garden" })),
    message(20, { room: "~e", kind: "direct", content: "", files: 1 }),
  ];
  const { subject, blocks } = digestBlocks(unread, SITE);
  expect(subject).toBe("10 unread messages for you (chat.example.com)");
  expect(blocks.flatMap((block) => (block.kind === "heading" ? block.text : []))).toEqual([
    "Ben",
    "The garden",
    "Zoë",
  ]);
  const text = plainText(blocks);
  expect(text).toContain("> [1 file]");
  expect(text).not.toContain("text 4");
  expect(text).toContain("text 5");
  expect(text).toContain("3 unread messages more before these");
  expect(text).toContain(`> ${"😀".repeat(300)}…`);
});

test("a mail shows ten rooms, and says that there are more", () => {
  const unread = Array.from({ length: 30 }, (_, index) => message(index + 1, { room: `room-${index}` }));
  const { blocks } = digestBlocks(unread, SITE);
  expect(blocks.filter(({ kind }) => kind === "heading")).toHaveLength(10);
  expect(plainText(blocks)).toContain("There are more in other rooms.");
});
