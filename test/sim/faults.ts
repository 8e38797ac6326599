import type { Participant } from "./participant.ts";
import { type FaultKind, FAULTS } from "./plan.ts";
import type { World } from "./world.ts";

/** What goes wrong while people talk. */
export function createFaults(
  world: World,
  people: readonly Participant[],
): Readonly<Record<FaultKind, () => void>> {
  const { schedule, random, plan, nodes, reach, bus, note } = world;

  const linked = () => people.map(({ link }) => link).filter((link) => link !== undefined);
  const within = (list: readonly number[]) => random.pick(list) * random.between(0.5, 1.5);

  return {
    die() {
      const node = random.pick(nodes);
      node.die();
      schedule.after(within([50, 500, 2_000]), node.start);
    },
    stop() {
      const node = random.pick(nodes);
      node.stop();
      // If it does not stop by itself, it is killed.
      schedule.after(15_000, () => !node.up && node.die());
      const comeBack = () => {
        if (node.up) return;
        node.start();
        schedule.after(500, comeBack);
      };
      schedule.after(500, comeBack);
    },
    cut() {
      const links = linked();
      if (links.length > 0) random.pick(links).cut();
    },
    stall() {
      const links = linked();
      if (links.length === 0) return;
      const link = random.pick(links);
      note?.(`#${link.id} is not read`);
      link.stall();
      schedule.after(plan.longStalls ? 70_000 : within([30, 300, 2_000]), () => {
        note?.(`#${link.id} is read again`);
        link.read();
      });
    },
    busDown() {
      note?.("the bus is down");
      bus.away(true);
      schedule.after(within([100, 1_500]), () => {
        note?.("the bus is back");
        bus.away(false);
      });
    },
    databaseAway() {
      if (reach.away) return;
      reach.away = random.pick(["refuses", "hangs"]);
      note?.(`the database ${reach.away}`);
      schedule.after(within([50, 500, 2_000, 10_000]), () => {
        note?.("the database is back");
        reach.away = false;
      });
    },
    restore: () => restoreOnce(world),
    /** Another program writes thousands of messages, which only the counters show. */
    bulk() {
      const room = random.pick(plan.rooms);
      world.fill(room, 9_000 + random.below(2_000));
      note?.(`thousands of messages are written to ${room}`);
    },
  };
}

/** The database goes back to an earlier state, once in a run. */
export function restoreOnce({ database, random, note }: Pick<World, "database" | "random" | "note">): void {
  if (database.isRestored) return;
  database.restore(Math.max(0, database.size - random.below(20)));
  note?.(`the database is restored: ${database.epoch}`);
}

/** Picks a fault by its frequency in the plan. */
export function pickFault(world: World): FaultKind | undefined {
  const { random, plan } = world;
  const all = FAULTS.reduce((sum, kind) => sum + plan.faults[kind], 0);
  let at = random.next() * all;
  return FAULTS.find((kind) => (at -= plan.faults[kind]) < 0);
}
