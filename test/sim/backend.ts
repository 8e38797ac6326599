import { Refusal } from "../../src/errors.ts";
import { ERRORS } from "../../src/protocol/codes.ts";
import type { Identity } from "../../src/identity.ts";
import type { Wish } from "./changes.ts";
import type { Participant } from "./participant.ts";
import type { World } from "./world.ts";

/** A program that changes rooms over HTTP and retries until it gets a result, each request at any node. */
export function createBackend(name: string, person: () => Identity, world: World): Participant {
  const { schedule, random, plan } = world;
  const PATIENCE_MS = 10_000;
  const pending = new Set<string>();

  const submit = (change: Wish) => {
    const { clientId } = change;
    let done = false;
    const again = (ms: number) =>
      schedule.after(ms, () => {
        if (!done && pending.has(clientId)) submit(change);
        done = true;
      });
    const giveUp = again(PATIENCE_MS);
    const identity = person();
    const asked = { ...change, senderId: identity.userId };
    const settled = () => {
      done = true;
      pending.delete(clientId);
    };
    random
      .pick(world.nodes)
      .submit(identity, change)
      .then(
        (ack) => {
          giveUp();
          world.acked(asked, ack);
          settled();
        },
        (error: unknown) => {
          giveUp();
          if (!(error instanceof Refusal)) return world.fail("a request failed", `${name}: ${String(error)}`);
          if (ERRORS[error.code].retryable) return void again(error.more.retryAfterMs ?? 300);
          world.refused(asked, error.code);
          settled();
        },
      );
  };

  return {
    name,
    link: undefined,
    connect() {},
    act() {
      const { userId } = person();
      const room = random.pick(plan.rooms);
      const { changes } = world;
      const earlier = random.chance(0.2) && changes.earlier(userId, room);
      const fresh = () => (random.chance(plan.amends) ? changes.amend : changes.post)(userId, room);
      const change = earlier || fresh();
      pending.add(change.clientId);
      submit(change);
    },
    hop() {},
    calm() {},
    compare() {},
    quit() {},
    unsettled: () => (pending.size > 0 ? [`${name} has ${pending.size} changes without an answer`] : []),
  };
}
