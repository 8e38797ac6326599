import { expect, test } from "bun:test";
import type { Post } from "../../src/chat/room/change.ts";
import { createCommitter } from "../../src/chat/room/committer.ts";
import type { Committed } from "../../src/chat/ports.ts";
import { handClock } from "../support/hand-clock.ts";

// What is one batch: here the turns of the event loop and the database's answers come when the test says so.

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
        username: "ada",
        clientId,
        content,
        replyTo: null,
      } as const;
      committer.submit(post, answered);
    },
    async turn() {
      for (const task of endOfTurn.splice(0)) task();
      await settle();
    },
    /** The database answers the commit under way. */
    async answer() {
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

test("what the sockets bring in one turn of the event loop is one batch", async () => {
  const { say, turn, batches } = stage();
  say("one");
  say("two");
  expect(batches()).toEqual([]);
  await turn();
  expect(batches()).toEqual([["one", "two"]]);
});

// With half of them a batch behind, each reader of a room was written to twice as often, for the same messages.
test("who answers an ack with more is in one batch with those who waited meanwhile", async () => {
  const { say, turn, answer, batches } = stage();
  say("ada, first");
  await turn();
  say("ben, first");
  await answer();
  await turn(); // acks and frames are written
  say("ada, second"); // the sockets are read
  await turn();
  expect(batches()).toEqual([["ada, first"], ["ben, first", "ada, second"]]);
});

test("a whole batch that waits does not wait for a turn", async () => {
  const { say, turn, answer, batches } = stage();
  say("first");
  await turn();
  for (let number = 1; number <= 1_000; number++) say(`message ${number}`);
  await answer();
  expect(batches()).toHaveLength(2);
  expect(batches()[1]?.length).toBeGreaterThan(500);
});
