import type { World } from "./world.ts";

/** How long people talk, and until when everything has come right again, in milliseconds. */
const LENGTH_MS = 15_000;
const POST_MS = 300;
/** Removals come in this time, and one node may not reach the database for almost the whole of it, in milliseconds. */
const BEGIN_MS = 1_500;
const CUT_MS = 14_500;

/**
 * Faults have ceased. Now people are taken out of rooms that they watch, and the others go on talking for longer than those
 * may still hear of it, while one node may not find out.
 */
export async function linger(world: World): Promise<void> {
  const { schedule, random, nodes, people, database } = world;
  world.note?.("people are taken out of rooms that they watch");
  world.staying = false;
  const watching = people.flatMap(({ watches }) => watches ?? []);
  const rooms = world.places().filter((room) => {
    const { kind, deleted } = database.order.facts(database.epoch, room);
    const members = database.people.members(room);
    return (
      kind === "private" && !deleted && members.length > 1 && watching.some((one) => members.includes(one))
    );
  });
  const chosen = rooms.filter(() => random.chance(0.7));
  if (nodes.length > 1 && random.chance(0.7)) random.pick(nodes).cutOff(CUT_MS);
  for (const room of chosen) {
    const target = random.pick(watching.filter((one) => database.people.members(room).includes(one)));
    schedule.after(random.between(0, BEGIN_MS), () => world.governors.remove(target, room));
  }
  const others = chosen.length > 0 ? chosen : world.places();
  for (let at = 0; at < LENGTH_MS; at += POST_MS)
    schedule.after(at, () => {
      const room = random.pick(others);
      const members = database.people.members(room);
      if (members.length > 0) world.sociables.post(random.pick(members), room);
    });
  await schedule.run(LENGTH_MS, () => world.broken !== undefined);
}
