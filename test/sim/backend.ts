import { Refusal } from "../../src/errors.ts";
import { ERRORS } from "../../src/protocol/codes.ts";
import type { Identity } from "../../src/identity.ts";
import type { Wish } from "./changes.ts";
import { restoreOnce } from "./faults.ts";
import type { Participant } from "./participant.ts";
import type { Window } from "./sight.ts";
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

  const refusedPage = (userId: number, room: string, window: Window) => (error: unknown) => {
    if (!(error instanceof Refusal)) return;
    const { code } = error;
    if (!ERRORS[code].retryable && !world.sight.mayBar(userId, room, code, window))
      world.fail("a good request was refused for good", `${name}: a page of ${room}, ${code}`);
  };

  const page = (room: string) => {
    const identity = person();
    const { userId } = identity;
    const window = world.sight.windowOf(room);
    const limit = 1 + random.below(20);
    const { length } = world.database.current(room).log;
    const around = random.chance(0.5) ? 1 + random.below(length + 1) : Math.max(1, length - random.below(6));
    const query = random.pick([
      { limit },
      { limit, around },
      { limit, before: around },
      { limit, after: around },
    ]);
    // A page around a message is read in two halves.
    if (query.around !== undefined && plan.faulty && plan.faults.restore > 0 && random.chance(0.2))
      schedule.after(random.between(0.2, 8), () => restoreOnce(world));
    random
      .pick(world.nodes)
      .page(identity, room, query)
      .then(
        (result) => world.rights.checkSnapshot({ userId, room }, result),
        refusedPage(userId, room, window),
      );
  };

  const thread = (room: string) => {
    const identity = person();
    const window = world.sight.windowOf(room);
    const replies = world.database.log(world.database.epoch, room).filter((state) => state.thread);
    if (replies.length === 0) return;
    const chosen = random.pick(replies);
    const root = random.chance(0.95) ? (chosen.thread?.root ?? 0) : chosen.id;
    const limit = 1 + random.below(5);
    const query = random.pick([
      { limit },
      { limit, around: chosen.id },
      { limit, before: chosen.id },
      { limit, after: chosen.id },
    ]);
    random
      .pick(world.nodes)
      .thread(identity, room, root, query)
      .then(
        (page) => world.rights.checkThread({ userId: identity.userId, room }, root, page),
        (error: unknown) => {
          if (!(error instanceof Refusal)) return world.fail("a request failed", `${name}: ${String(error)}`);
          const { code } = error;
          const isHidden = ({ firstId }: { firstId: number }) => root < firstId;
          if (code === "not_found" && (root === chosen.id || world.database.isRestored)) return;
          if (code === "not_found" && world.sight.ever(identity.userId, room, window, isHidden)) return;
          if (!ERRORS[code].retryable && !world.sight.mayBar(identity.userId, room, code, window))
            world.fail("a good request was refused for good", `${name}: a thread of ${room}, ${code}`);
        },
      );
  };

  const pins = (room: string) => {
    const identity = person();
    const { userId } = identity;
    const window = world.sight.windowOf(room);
    random
      .pick(world.nodes)
      .pins(identity, room)
      .then((page) => world.rights.checkPins({ userId, room }, page), refusedPage(userId, room, window));
  };

  return {
    name,
    link: undefined,
    connect() {},
    act() {
      const { userId } = person();
      const room = random.pick(world.places());
      if (random.chance(0.3)) return plan.ruled && random.chance(0.3) ? pins(room) : page(room);
      if (random.chance(0.15)) return thread(room);
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
