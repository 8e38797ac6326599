import { Refusal } from "../../src/errors.ts";
import { ERRORS } from "../../src/protocol/codes.ts";
import type { Identity } from "../../src/identity.ts";
import type { Participant } from "./participant.ts";
import type { World } from "./world.ts";

/** A program that posts over HTTP, and again until it has an answer: to any node, each request by itself. */
export function createBackend(name: string, person: () => Identity, world: World): Participant {
  const { schedule, random, plan } = world;
  const PATIENCE_MS = 10_000;
  const pending = new Set<string>();

  const post = (room: string, clientId: string, content: string) => {
    let done = false;
    const again = (ms: number) =>
      schedule.after(ms, () => {
        if (!done && pending.has(clientId)) post(room, clientId, content);
        done = true;
      });
    const giveUp = again(PATIENCE_MS);
    const identity = person();
    random.pick(world.nodes).post(identity, room, clientId, content, (outcome) => {
      giveUp();
      if (outcome instanceof Refusal) {
        if (ERRORS[outcome.code].retryable) return void again(outcome.more.retryAfterMs ?? 300);
        if (!world.poisoned(content)) world.fail("a good post was refused for good", outcome.code);
      } else world.acked({ room, senderId: identity.userId, clientId }, outcome);
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
      const earlier = random.chance(0.2) && world.earlierPost(userId, room);
      const { clientId, content } = earlier || world.write(userId, room);
      pending.add(clientId);
      post(room, clientId, content);
    },
    hop() {},
    calm() {},
    compare() {},
    quit() {},
    unsettled: () => (pending.size > 0 ? [`${name} has ${pending.size} posts without an answer`] : []),
  };
}
