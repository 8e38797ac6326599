import { Refusal } from "../../src/errors.ts";
import { ERRORS } from "../../src/protocol/codes.ts";
import type { Identity } from "../../src/identity.ts";
import type { Submission } from "../../src/chat/access/submit.ts";
import type { Participant } from "./participant.ts";
import type { World } from "./world.ts";

/** A program that changes rooms over HTTP, and again until it has an answer: at any node, each request by itself. */
export function createBackend(name: string, person: () => Identity, world: World): Participant {
  const { schedule, random, plan } = world;
  const PATIENCE_MS = 10_000;
  const pending = new Set<string>();

  const submit = (change: Submission) => {
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
    random.pick(world.nodes).submit(identity, change, (outcome) => {
      giveUp();
      if (outcome instanceof Refusal) {
        if (ERRORS[outcome.code].retryable) return void again(outcome.more.retryAfterMs ?? 300);
        world.refused(asked, outcome.code);
      } else world.acked(asked, outcome);
      done = true;
      pending.delete(clientId);
    });
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
