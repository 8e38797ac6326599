import { expect, test } from "bun:test";
import { READS_IN_FLIGHT } from "../../src/chat/limits.ts";
import type { Page } from "../../src/chat/ports.ts";
import { until } from "../support/until.ts";
import { createNode, post } from "./node.ts";

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

// Each socket used to read for itself: with fifty of them, one person filled the few connections for reads, and everybody's
// history waited.
test("one person's sockets catch up a few at a time", async () => {
  const started: PromiseWithResolvers<Page>[] = [];
  const node = createNode({
    replace: () => ({
      changesSince() {
        const page = Promise.withResolvers<Page>();
        started.push(page);
        return page.promise;
      },
    }),
  });
  for (let number = 0; number < 6; number++) node.database.commitNew([post(crypto.randomUUID())]);
  const sockets = [0, 1, 2, 3, 4].map((version) => node.connect({ version }));
  const joined = () => sockets.filter(({ frames }) => frames.some(({ type }) => type === "joined")).length;
  const live = () => sockets.filter(({ frames }) => frames.some(({ type }) => type === "synced")).length;
  await until(() => joined() === 5);
  await settle();
  for (let index = 0; index < 5; index++) {
    expect(started).toHaveLength(Math.min(index + READS_IN_FLIGHT, 5));
    started[index]?.resolve({ ...node.database.changesSince("sea", 0), end: 6, counter: 6 });
    await until(() => live() === index + 1);
    await settle();
  }
});
