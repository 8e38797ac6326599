import { expect, test } from "bun:test";
import type { Post } from "../../src/chat/change.ts";
import { createCommitter } from "../../src/chat/room/committer.ts";
import type { Committed } from "../../src/chat/ports.ts";
import { handClock } from "../support/hand-clock.ts";
import { named } from "../support/stubs.ts";

// How changes form batches. The test decides when turns of the event loop end and when commits succeed.

function stage() {
  const endOfTurn: (() => void)[] = [];
  const commits: { posts: readonly Post[]; answer: PromiseWithResolvers<Committed> }[] = [];
  const committer = createCommitter({
    store: {
      lanes: 1,
      commit(_, posts) {
        const answer = Promise.withResolvers<Committed>();
        commits.push({ posts: posts as readonly Post[], answer });
        return answer.promise;
      },
    },
    clock: { ...handClock().clock, soon: (task) => void endOfTurn.push(task) },
    submitted() {},
    answered() {},
    committed() {},
    repeated() {},
    measured() {},
    failed() {},
  });
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    say(content: string, answered = () => {}) {
      const clientId = crypto.randomUUID();
      const post = {
        kind: "post",
        room: "tea",
        senderId: 1,
        ...named("ada"),
        clientId,
        content,
        data: null,
        replyTo: null,
        fence: 0,
      } as const;
      committer.submit(post, answered);
    },
    async turn() {
      for (const task of endOfTurn.splice(0)) task();
      await settle();
    },
    /** Lets the commit in flight succeed. */
    async succeed() {
      const { posts, answer } = commits.at(-1) ?? {};
      const outcomes = (posts ?? []).map((_, index) => ({
        ack: { id: index + 1, version: index + 1, timestamp: "", duplicate: false },
        state: null,
      }));
      answer?.resolve({ epoch: "e", outcomes });
      await settle();
    },
    batches: () => commits.map(({ posts }) => posts.map(({ content }) => content)),
  };
}

test("changes that arrive in one turn of the event loop form one batch", async () => {
  const { say, turn, batches } = stage();
  say("one");
  say("two");
  expect(batches()).toEqual([]);
  await turn();
  expect(batches()).toEqual([["one", "two"]]);
});

// If they split into two groups that take turns, every reader gets twice as many writes for the same messages.
test("senders that react to an ack share a batch with those that waited meanwhile", async () => {
  const { say, turn, succeed, batches } = stage();
  say("ada, first");
  await turn();
  say("ben, first");
  await succeed();
  await turn(); // acks and frames are written
  say("ada, second"); // the sockets are read
  await turn();
  expect(batches()).toEqual([["ada, first"], ["ben, first", "ada, second"]]);
});

test("a full batch is committed without waiting for a turn", async () => {
  const { say, turn, succeed, batches } = stage();
  say("first");
  await turn();
  for (let number = 1; number <= 1_000; number++) say(`message ${number}`);
  await succeed();
  expect(batches()).toHaveLength(2);
  expect(batches()[1]?.length).toBeGreaterThan(500);
});
