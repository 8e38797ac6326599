import { expect, test } from "bun:test";
import { createScreening } from "../../src/chat/access/screening.ts";
import { type Ack, type Draft, sign, type Submission } from "../../src/chat/change.ts";
import type { Committed } from "../../src/chat/ports.ts";
import { createCommitter } from "../../src/chat/room/committer.ts";
import type { Verdict } from "../../src/chat/screenports.ts";
import { Refusal } from "../../src/errors.ts";
import { handClock } from "../support/hand-clock.ts";
import { passFor } from "../support/stubs.ts";

// What happens to messages around their check. The test decides what the endpoint says and when commits succeed.

const pass = passFor({ userId: 1, username: "ada" }, "tea") as never;

function stage() {
  const { clock, pass: after } = handClock();
  const commits: PromiseWithResolvers<Committed>[] = [];
  const committer = createCommitter({
    store: {
      lanes: 1,
      commit() {
        const result = Promise.withResolvers<Committed>();
        commits.push(result);
        return result.promise;
      },
    },
    clock,
    submitted() {},
    answered() {},
    committed() {},
    repeated() {},
    measured() {},
    failed() {},
  });
  const asked: PromiseWithResolvers<Verdict>[] = [];
  const faults: unknown[] = [];
  const screening = createScreening({
    screen: {
      ask() {
        const verdict = Promise.withResolvers<Verdict>();
        asked.push(verdict);
        return verdict.promise;
      },
    },
    store: { answered: async () => undefined },
    committer,
    clock,
    faulted: (error) => void faults.push(error),
  });
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  const said: string[] = [];
  const hear = (what: string) => (outcome: Ack | Refusal) =>
    said.push(
      `${what} ${outcome instanceof Refusal ? outcome.code : outcome.duplicate ? "again" : outcome.id}`,
    );
  const prepared = (wish: Submission) => sign(wish, "tea", (pass as { person: never }).person);
  return {
    ...{ asked, faults, said, screening, settle, after, commits },
    say(content: string, clientId: string = crypto.randomUUID(), prepare = prepared) {
      const wish: Draft = { kind: "post", clientId, content, data: null, replyTo: null };
      const coming = { pass, wish, enter: committer.submit, answer: hear(content) };
      return screening.hold({ ...coming, prepare: (some) => prepare(some as Submission) });
    },
    async verdict(at: number, verdict: Verdict) {
      asked[at]?.resolve(verdict);
      await settle();
    },
    async commit() {
      const ack = { id: 1, version: 1, timestamp: "", duplicate: false };
      commits.at(-1)?.resolve({ epoch: "e", outcomes: [{ ack, state: null }] });
      await settle();
    },
  };
}

test("a repeat of what is being committed gets its ack, and nobody is asked", async () => {
  const at = stage();
  const clientId = crypto.randomUUID();
  at.say("hello", clientId);
  await at.verdict(0, { action: "allow" });
  expect([at.commits.length, at.screening.waiting]).toEqual([1, 0]);
  at.say("rude", clientId);
  expect(at.asked).toHaveLength(1);
  await at.commit();
  expect(at.said).toEqual(["hello 1", "rude again"]);
});

test("a refused message is out of the way while it is looked up", async () => {
  const at = stage();
  at.say("first");
  at.say("second");
  await at.verdict(1, { action: "allow" });
  expect(at.commits).toHaveLength(0);
  await at.verdict(0, { action: "refuse" });
  await at.commit();
  expect(at.said).toEqual(["first message_refused", "second 1"]);
});

test("an error of this program refuses one message, is reported, and does not hold up the next", async () => {
  const at = stage();
  at.say("first", undefined, () => {
    throw new TypeError("a bug");
  });
  at.say("second");
  for (const index of [0, 1]) await at.verdict(index, { action: "allow" });
  await at.commit();
  expect(at.said).toEqual(["first internal", "second 1"]);
  expect(at.faults).toEqual([new TypeError("a bug")]);
});

test("people who cannot be found in time refuse one message, and do not hold up the next", async () => {
  const at = stage();
  at.say("first", undefined, () => new Promise<never>(() => {}) as never);
  at.say("second");
  for (const index of [0, 1]) await at.verdict(index, { action: "allow" });
  expect(at.commits).toHaveLength(0);
  at.after(2_000);
  await at.settle();
  await at.commit();
  expect(at.said).toEqual(["first busy", "second 1"]);
});

test("after it was told to stop, it takes no new messages, and ends when the others have", async () => {
  const at = stage();
  at.say("first");
  let ended = false;
  void at.screening.drain().then(() => (ended = true));
  at.say("second");
  expect(at.said).toEqual(["second busy"]);
  await at.settle();
  expect(ended).toBe(false);
  await at.verdict(0, { action: "unchecked" });
  expect([ended, at.said.at(-1)]).toEqual([true, "first message_unchecked"]);
});
