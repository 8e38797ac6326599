import { expect, test } from "bun:test";
import { type ChatError, createChat } from "../../src/client/index.ts";
import { json, jwt } from "./rig.ts";

// Searching, against responses that a test makes up.

const FOUND = {
  room: "cellar",
  id: 7,
  version: 9,
  username: "ada",
  user: { id: "u_ada" },
  content: "👍 two chairs",
  timestamp: "2026-11-24T12:00:00Z",
  clientId: "11111111-2222-4333-8444-555555555555",
  highlights: [
    [0, 1],
    [2, 12],
  ],
};

const asked: string[] = [];
const chatWith = (answer: () => Response) =>
  createChat({
    url: "https://chat.example.com",
    tokens: () => jwt("token"),
    ports: {
      open: () => ({ send() {}, close() {} }),
      async fetch(url) {
        asked.push(String(url).replace("https://chat.example.com/", ""));
        return answer();
      },
    },
  });

test("a search returns a page whose highlights fit strings, and the cursor of the next one", async () => {
  const chat = chatWith(() => {
    const response = json({ messages: [FOUND, { room: "of a newer server" }], partial: true });
    response.headers.set("link", '</search/?q=x&before=a%2Bb&limit=2>; rel="next"');
    return response;
  });
  const { items, next, partial } = await chat.search('"two chairs"', { room: "cellar", limit: 2 });
  expect(asked.splice(0)).toEqual(["search/?q=%22two+chairs%22&room=cellar&limit=2"]);
  expect([items.length, next, partial]).toEqual([1, "a+b", true]);
  const [found] = items;
  expect(found?.highlights.map(([start, end]) => found.content.slice(start, end))).toEqual([
    "👍",
    "two chairs",
  ]);
  await chat.search("x", { after: next });
  expect(asked.splice(0)).toEqual(["search/?q=x&before=a%2Bb"]);
  await chat.close();
});

test("the last page has no cursor, and what is no page is a bad answer", async () => {
  const last = chatWith(() => json({ messages: [], partial: false }));
  expect(await last.search("x")).toEqual({ items: [], next: undefined, partial: false });
  await last.close();
  const other = chatWith(() => json([FOUND]));
  expect(await other.search("x").catch(({ code }: ChatError) => code)).toBe("bad_answer");
  await other.close();
});
