import { expect, test } from "bun:test";
import { createWatch } from "../../src/chat/connection/watch.ts";
import { handClock } from "../support/hand-clock.ts";

test("a socket that was too slow to hear of a message hears of it once it has drained", async () => {
  const writer = { isFull: true };
  const heard: unknown[] = [];
  const { clock, pass } = handClock();
  const watch = createWatch({
    identity: { userId: 1 },
    protocol: { active: (...told: unknown[]) => heard.push(told) },
    writer,
    parts: {
      access: { mayList: () => true },
      watching: {
        add: async () => {},
        remove() {},
        resend: (_: unknown, since: number) => heard.push(since),
      },
      clock,
    },
    joined: () => false,
  } as unknown as Parameters<typeof createWatch>[0]);
  await watch.set(true);
  const since = clock.monotonic();
  watch.active("sea", 7);
  pass(50);
  watch.drained();
  expect(heard).toEqual([]);
  writer.isFull = false;
  watch.drained();
  watch.drained();
  expect(heard).toEqual([since]);
});
