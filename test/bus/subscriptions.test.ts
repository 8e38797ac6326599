import { expect, test } from "bun:test";
import fc from "fast-check";
import { createSubscriptions, type Subscriber } from "../../src/bus/subscriptions.ts";

/** A Redis client whose commands take `turns` microtasks. `wrong` collects violations of its contract. */
function fakeClient(turns: () => number) {
  const active = new Set<string>();
  const wrong: string[] = [];
  let busy = false;
  const run = async (execute: () => void) => {
    if (busy) wrong.push("two commands at once");
    busy = true;
    for (let turn = turns(); turn > 0; turn--) await Promise.resolve();
    execute();
    busy = false;
  };
  const client: Subscriber = {
    subscribe: (channels) =>
      run(() => {
        for (const channel of channels) {
          if (active.has(channel)) wrong.push(`${channel} is subscribed to twice`);
          active.add(channel);
        }
      }),
    unsubscribe: (channels) =>
      run(() => {
        for (const channel of channels)
          if (!active.delete(channel)) wrong.push(`${channel} was not subscribed to`);
      }),
  };
  return { client, active, wrong };
}

const wish = fc.record({
  channel: fc.constantFrom("a", "b", "c"),
  wanted: fc.boolean(),
  /** Microtasks until the next wish. */
  pause: fc.nat({ max: 6 }),
  /** Microtasks that a command takes. */
  turns: fc.nat({ max: 4 }),
  /** The connection is replaced first. */
  anew: fc.boolean(),
});

test("a subscription is active when its promise resolves, and in the end exactly the wanted ones are", async () => {
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
              // Unless it was unsubscribed, or the connection replaced, meanwhile.
              if (wanted.get(channel) === mark && at === fake) expect(fake.active).toContain(channel);
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
      expect([...fake.active].sort()).toEqual([...wanted.keys()].sort());
    }),
    { numRuns: 2_000 },
  );
});
