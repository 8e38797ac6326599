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
    const { userId, username, user } = identity;
    const asked = { ...change, senderId: userId, username, user, fence: 0 };
    const window = world.sight.windowOf(change.room);
    const isRepeat = world.database.answered(asked) !== undefined;
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
          world.refused(asked, error.code, { window, isRepeat });
          settled();
        },
      );
  };

  const page = (room: string) => {
    const identity = person();
    const { userId } = identity;
    const window = world.sight.windowOf(room);
    const limit = 1 + random.below(20);
    const around = 1 + random.below(world.database.current(room).log.length + 1);
    const query = random.pick([
      { limit },
      { limit, around },
      { limit, before: around },
      { limit, after: around },
    ]);
    random
      .pick(world.nodes)
      .page(identity, room, query)
      .then(
        (result) => world.rights.checkSnapshot({ userId, room }, result),
        (error: unknown) => {
          if (!(error instanceof Refusal)) return;
          const { code } = error;
          if (!ERRORS[code].retryable && !world.sight.mayBar(userId, room, code, window))
            world.fail("a good request was refused for good", `${name}: a page of ${room}, ${code}`);
        },
      );
  };

  return {
    name,
    link: undefined,
    connect() {},
    act() {
      const { userId } = person();
      const room = random.pick(world.places());
      if (random.chance(0.3)) return page(room);
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
