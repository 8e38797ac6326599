import type { Seat } from "../../src/chat/ports.ts";
import type { SimNode } from "./node.ts";
import { seatKey } from "./people.ts";
import type { World } from "./world.ts";

/** When an unban that failed is tried again, in milliseconds. */
const RETRY_MS = 300;

/** The operator's bans, and people who leave rooms for good, with what each promises the moment it is acknowledged. */
export interface Rights {
  /** The ban that a node has acknowledged, if nobody has begun to lift it since. */
  banOf(node: string, seat: Seat): object | undefined;
  /** Someone may be refused, because they were banned at some time. */
  mayBeRefused(seat: Seat): boolean;
  /** Bans someone at a random node, or lifts a ban. */
  order(): void;
  /** Somebody leaves a room for good, at a random node. */
  depart(): void;
  /** A restore may have undone bans. */
  restored(): void;
  /** Lifts every ban, however often it takes. */
  liftAll(): void;
  /** Finds the people who are in a room that they were banned from or left. Nobody is, some seconds after faults cease. */
  enforce(): void;
}

export function createRights(world: World): Rights {
  const { random, plan, schedule } = world;
  /** The nodes that acknowledged a ban. */
  const acknowledged = new Map<string, Set<string>>();
  const ever = new Set<string>();
  /** Unbans in flight, of which nobody knows when the database carries them out. */
  const lifting = new Map<string, number>();

  const someSeat = (): Seat => ({ userId: 1 + random.below(plan.users), room: random.pick(plan.rooms) });
  const show = ({ userId, room }: Seat) => `user${userId} in ${room}`;

  const ban = (seat: Seat, node: SimNode) => {
    const begun = schedule.now;
    world.note?.(`${show(seat)} is banned at ${node.name}`);
    ever.add(seatKey(seat));
    const nodes = acknowledged.get(seatKey(seat)) ?? new Set();
    const contested = (lifting.get(seatKey(seat)) ?? 0) > 0;
    acknowledged.set(seatKey(seat), nodes);
    node.ban(seat).then(
      () => {
        // If an unban was in flight at the same time, nobody knows which came last.
        if (acknowledged.get(seatKey(seat)) !== nodes || contested) return;
        nodes.add(node.name);
        world.judge.departed(node.name, seat, begun);
      },
      () => {},
    );
  };

  const unban = (seat: Seat, node: SimNode, again: boolean) => {
    world.note?.(`${show(seat)} is let in again at ${node.name}`);
    const key = seatKey(seat);
    acknowledged.delete(key);
    lifting.set(key, (lifting.get(key) ?? 0) + 1);
    const settled = () => void lifting.set(key, (lifting.get(key) ?? 0) - 1);
    node.unban(seat).then(settled, () => {
      settled();
      if (again) schedule.after(RETRY_MS, () => unban(seat, random.pick(world.nodes), true));
    });
  };

  return {
    banOf(node, seat) {
      const nodes = acknowledged.get(seatKey(seat));
      return nodes?.has(node) ? nodes : undefined;
    },
    mayBeRefused: (seat) => ever.has(seatKey(seat)),
    order() {
      const seat = someSeat();
      const node = random.pick(world.nodes);
      if (acknowledged.has(seatKey(seat))) unban(seat, node, false);
      else ban(seat, node);
    },
    depart() {
      const seat = someSeat();
      const node = random.pick(world.nodes);
      const begun = schedule.now;
      world.note?.(`${show(seat)} leaves for good at ${node.name}`);
      node.leave(seat).then(
        () => world.judge.departed(node.name, seat, begun),
        () => {},
      );
    },
    restored: () => acknowledged.clear(),
    liftAll() {
      for (const seat of world.database.people.banned()) unban(seat, random.pick(world.nodes), true);
    },
    enforce() {
      const { people } = world.database;
      for (const { node, seat } of world.judge.present()) {
        if (people.isBanned(seat))
          world.fail("a banned person is still in the room", `${show(seat)} at ${node}`);
        else if (!people.isMember(seat) && !world.database.isRestored)
          world.fail("someone in a room is no member of it", `${show(seat)} at ${node}`);
      }
    },
  };
}
