import { expect, test } from "bun:test";
import fc from "fast-check";
import { createSubscriptions, type Subscriber } from "../../src/bus/subscriptions.ts";

/** A client that resolves each command after `turns` turns and records misuse. */
function fakeClient(turns: () => number) {
  const subscribed = new Set<string>();
  const wrong: string[] = [];
  let busy = false;
  const answer = async (carryOut: () => void) => {
    if (busy) wrong.push("two commands at once");
    busy = true;
    for (let turn = turns(); turn > 0; turn--) await Promise.resolve();
    carryOut();
    busy = false;
  };
  const client: Subscriber = {
    subscribe: (channels) =>
      answer(() => {
        for (const channel of channels) {
          if (subscribed.has(channel)) wrong.push(`${channel} is subscribed to twice`);
          subscribed.add(channel);
        }
      }),
    unsubscribe: (channels) =>
      answer(() => {
        for (const channel of channels)
          if (!subscribed.delete(channel)) wrong.push(`${channel} was not subscribed to`);
      }),
  };
  return { client, subscribed, wrong };
}

const wish = fc.record({
  channel: fc.constantFrom("a", "b", "c"),
  wanted: fc.boolean(),
  /** Turns until the next wish. */
  pause: fc.nat({ max: 6 }),
  /** Turns that the client takes for a command. */
  turns: fc.nat({ max: 4 }),
  /** Whether the connection is replaced first. */
  anew: fc.boolean(),
});

test("for any sequence of wishes, each resolves once subscribed, and in the end exactly the wanted channels are", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(wish, { maxLength: 30 }), async (wishes) => {
      let turns = 0;
      let fake = fakeClient(() => turns);
      const subscriptions = createSubscriptions({
        receive() {},
        failed(error) {
          throw error;
        },
      });
      await subscriptions.attach(fake.client);
      const wanted = new Map<string, symbol>();
      const settling: Promise<void>[] = [];
      for (const { channel, wanted: wants, pause, turns: next, anew } of wishes) {
        turns = next;
        if (anew && pause === 0) {
          subscriptions.detach();
          fake = fakeClient(() => turns);
          settling.push(subscriptions.attach(fake.client));
        }
        if (wants) {
          const mark = Symbol(channel);
          wanted.set(channel, mark);
          const at = fake;
          settling.push(
            subscriptions.want(channel).then(() => {
              // Unless it was forgotten or the connection was replaced in the meantime.
              if (wanted.get(channel) === mark && at === fake) expect(fake.subscribed).toContain(channel);
            }),
          );
        } else {
          wanted.delete(channel);
          subscriptions.forget(channel);
        }
        for (let turn = pause; turn > 0; turn--) await Promise.resolve();
      }
      await Promise.all(settling);
      for (let turn = 0; turn < 100; turn++) await Promise.resolve();
      expect(fake.wrong).toEqual([]);
      expect([...fake.subscribed].sort()).toEqual([...wanted.keys()].sort());
    }),
    { numRuns: 2_000 },
  );
});
