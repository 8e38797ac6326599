import { expect, test } from "bun:test";
import type { Question } from "../../src/chat/chat.ts";
import { createMessageHook } from "../../src/hooks/messagehook.ts";
import { createMetrics } from "../../src/metrics.ts";
import type { OutboundResponse } from "../../src/outbound/outbound.ts";
import { handClock } from "../support/hand-clock.ts";
import { createLog } from "../../src/log.ts";
import { HOOK_SECRET } from "./checker.ts";

// How many requests go to an endpoint at once, and whose turn is next.

function endpoint(allowsUnchecked = false) {
  const { clock, pass } = handClock();
  const open: { readonly about: string; allow(): void }[] = [];
  const hook = createMessageHook({
    ...{ url: "http://checker.example/", secrets: [HOOK_SECRET], timeoutMs: 1_000, allowsUnchecked },
    ...{ messageChars: 100, files: { unsent: async () => [] }, clock, metrics: createMetrics() },
    log: createLog("silent"),
    outbound: {
      send: ({ body }) =>
        new Promise<OutboundResponse>((resolve) => {
          const about = (JSON.parse(String(body)) as { data: { content: string } }).data.content;
          const one = { status: 204, headers: {}, body: Buffer.of(), isCut: false };
          open.push({
            about,
            allow: () => (
              open.splice(
                open.findIndex((other) => other.about === about),
                1,
              ),
              resolve(one)
            ),
          });
        }),
    },
  });
  const ask = (userId: number, room: string, content = `${userId} ${room}`) =>
    hook.ask({
      person: { userId, username: "ada", user: { id: "u_ada", name: undefined } },
      room,
      saying: { kind: "post", clientId: crypto.randomUUID(), content, data: null, replyTo: null },
    } as unknown as Question);
  const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
  return { open, ask, pass, settled };
}

test("one person has 8 places, one room 24, and all together 64", async () => {
  const { open, ask, settled } = endpoint();
  for (let n = 0; n < 20; n++) void ask(1, "a");
  await settled();
  expect(open).toHaveLength(8);
  for (let person = 2; person < 40; person++) void ask(person, "a");
  await settled();
  expect(open).toHaveLength(24);
  for (let person = 100; person < 200; person++) void ask(person, `room ${person}`);
  await settled();
  expect(open).toHaveLength(64);
});

test("a place that becomes free goes to another room, whoever came first", async () => {
  const { open, ask, settled } = endpoint();
  for (const room of ["a", "b", "c"]) for (let person = 1; person <= 30; person++) void ask(person, room);
  await settled();
  expect(open).toHaveLength(64);
  void ask(99, "quiet");
  for (let freed = 0; freed < 4; freed++) {
    open[0]?.allow();
    await settled();
  }
  expect(open.map(({ about }) => about)).toContain("99 quiet");
});

test("what gets no place in time is not checked", async () => {
  const { ask, pass, settled } = endpoint();
  const answers = Array.from({ length: 10 }, () => ask(1, "a"));
  await settled();
  pass(1_000);
  expect((await Promise.all(answers)).map(({ action }) => action)).toEqual(Array(10).fill("unchecked"));
});

test("beyond one's own places, nothing goes unchecked even if that is allowed", async () => {
  const { ask, pass, settled } = endpoint(true);
  const answers = Array.from({ length: 10 }, () => ask(1, "a"));
  await settled();
  pass(1_000);
  expect((await Promise.all(answers)).map(({ action }) => action)).toEqual([
    ...Array<"allow">(8).fill("allow"),
    ...Array<"unchecked">(2).fill("unchecked"),
  ]);
});
