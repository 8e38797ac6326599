import { createFaults, pickFault } from "./faults.ts";
import { linger } from "./linger.ts";
import { slowest } from "./product.ts";
import { createWorld, type World } from "./world.ts";

/** After faults cease, everything has to come right within this time, in milliseconds. */
const SETTLE_MS = 40_000;
/** With small budgets, a person may owe a whole burst, and then join all rooms on all their sockets. */
const REPAY_MS = 150_000;
/** Bans and departures take effect on every node within this time after faults cease, in milliseconds. */
const ENFORCE_MS = 12_000;
/** After everyone has gone, nothing may be left of them after this time, in milliseconds. */
const EMPTY_MS = 15_000;
const LOOK_MS = 100;
/** How long tokens and rights change after everything has come right; with short tokens, as long as those live. */
const STAY_MS = 15_000;
const SHORT_MS = 60_000;
/** Afterwards, nobody asks for anything that they have, for this time. */
const LATE_MS = 5_000;
/** The most large messages at once, and how many of them one process commits together. */
const FLOOD_POSTS = 24;
const FLOOD_RANGE = 4;

export interface Outcome {
  readonly seed: number;
  /** The guarantee that did not hold, and where. */
  readonly broken: string | undefined;
  readonly events: number;
}

/** Runs one simulation, which its seed alone determines. */
export async function simulate(seed: number, trace?: (line: string) => void): Promise<Outcome> {
  const world = createWorld(seed, trace);
  const outcome = (broken = world.broken?.message): Outcome => ({
    seed,
    broken,
    events: world.schedule.events,
  });
  world.note?.(`plan ${JSON.stringify(world.plan)}`);
  try {
    for (const act of [talk, settle, stay, talkOn, empty]) {
      await act(world);
      if (world.broken) break;
    }
  } catch (error) {
    return outcome(
      `the simulation failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  }
  return outcome();
}

/** People talk while things go wrong. */
async function talk(world: World): Promise<void> {
  const { schedule, random, plan, nodes, people } = world;
  const faults = createFaults(world, people);
  const end = schedule.now + plan.lengthMs;
  for (const node of nodes) node.start();
  for (const person of people) schedule.after(random.between(0, plan.lengthMs / 4), () => person.connect());

  const again = (mean: number, task: () => void) => {
    const ms = -Math.log(1 - random.next()) * mean;
    if (schedule.now + ms > end) return;
    schedule.after(ms, () => {
      task();
      again(mean, task);
    });
  };
  again(plan.actionMs, () => {
    const person = random.pick(people);
    const times = random.chance(0.03) ? 6 : 1;
    for (let time = 0; time < times; time++) person.act();
  });
  again(plan.lengthMs / 12, () => {
    const kind = pickFault(world);
    if (kind) faults[kind]();
  });
  if (plan.edits) again(plan.actionMs * 4, () => change(world));
  if (plan.bans) again(plan.lengthMs / 12, () => world.rights.order());
  if (plan.departures) again(plan.lengthMs / 12, () => world.rights.depart());
  const products = people.flatMap(({ product }) => product ?? []);
  if (products.length > 0 && plan.flaky)
    again(plan.lengthMs / 6, () => random.pick(products).fail(random.between(50, 3_000)));
  if (products.length > 0 && plan.claims)
    again(plan.lengthMs / 10, () => {
      const person = random.pick(people);
      if (person.product) person.react?.(person.product.turn());
    });
  if (plan.ruled) again(plan.lengthMs / 40, () => world.governors.act());
  if (plan.social) again(plan.lengthMs / 30, () => world.sociables.act());
  if (plan.files) again(plan.lengthMs / 60, () => world.uploaders.act());
  if (plan.large) again(plan.lengthMs / 8, () => flood(world));
  await schedule.run(plan.lengthMs, () => world.broken !== undefined);
}

/** Another program changes a message, and may announce it on the bus. */
function change({ database, random, plan, bus, note }: World): void {
  const room = random.pick(plan.rooms);
  const id = 1 + random.below(Math.max(1, database.current(room).log.length));
  const content = random.chance(0.3) ? null : `edited ${id} ${random.below(1_000)}`;
  const made = database.change(room, id, content);
  if (!made) return;
  note?.(`${room}.${id} is changed as ${made.from}`);
  if (random.chance(0.8)) bus.publish({ type: "changed", ...made });
}

/** Another program writes many large messages at once. */
function flood({ database, random, plan, bus, note, largePosts }: World): void {
  const room = random.pick(plan.rooms);
  const posts = largePosts(room, 1 + random.below(FLOOD_POSTS));
  const from = database.current(room).log.length + 1;
  database.commitNew(posts);
  const states = database.current(room).log.slice(from - 1);
  note?.(`${posts.length} large messages are written to ${room}`);
  for (let at = 0; at < states.length; at += FLOOD_RANGE) {
    const range = states.slice(at, at + FLOOD_RANGE);
    bus.publish({
      type: "changed",
      epoch: database.epoch,
      room,
      from: from + at,
      to: from + at + range.length - 1,
      states: range,
    });
  }
}

/** Faults cease: everyone connects, gets every reply, and has each room as it is. */
async function settle(world: World): Promise<void> {
  const { schedule, plan, people, nodes, reach, bus } = world;
  world.note?.("all faults cease");
  plan.faulty = false;
  reach.away = false;
  bus.away(false);
  for (const person of people) {
    person.product?.fail(0);
    if (!plan.longStalls) person.link?.read();
    person.calm();
  }
  for (const node of nodes) if (!node.up) node.start();
  if (plan.bans || plan.departures || plan.ruled) {
    await schedule.run(ENFORCE_MS, () => world.broken !== undefined);
    world.rights.enforce();
  }
  await rest(world, SETTLE_MS + (plan.longStalls ? 75_000 : 0) + (plan.budgets > 0 ? REPAY_MS : 0));
}

/** Waits until everyone has what they may have. */
async function rest(world: World, ms: number): Promise<void> {
  const { schedule, people } = world;
  const unsettled = () => [
    ...people.flatMap((person) => person.unsettled()),
    ...people.flatMap(({ link }) => (link?.lost ? [`socket ${link.id} is lost`] : [])),
    ...world.governors.unsettled(),
    ...world.sociables.unsettled(),
    ...world.uploaders.unsettled(),
    ...world.judge.owed(),
  ];
  const limit = schedule.now + ms;
  let left: string[] = [];
  do {
    await schedule.run(LOOK_MS, () => world.broken !== undefined);
    if (world.broken) return;
    left = unsettled();
    if (left.length === 0) return people.forEach((person) => person.compare());
  } while (schedule.now < limit);
  world.fail("it did not come to rest", left.join("; "));
}

/** Products give tokens that expire, fail for up to a third of their life, and change what people may do. No socket ends. */
async function stay(world: World): Promise<void> {
  const { schedule, random, plan, people } = world;
  const clients = people.filter(({ product }) => product);
  const lifeMs = plan.tokenLifeMs;
  const isShort = lifeMs < SHORT_MS;
  // Budgets delay new tokens, and large messages whatever is behind them.
  if (clients.length === 0 || plan.budgets > 0 || plan.large || !(plan.claims || plan.flaky || isShort))
    return;
  world.note?.("products change their minds");
  world.staying = true;
  const lengthMs = isShort ? lifeMs * 1.7 : STAY_MS;
  const end = schedule.now + lengthMs;
  const outageMs = Math.min(lifeMs / 3 - slowest(lifeMs), STAY_MS / 2);
  for (const client of clients) {
    client.stay?.();
    const failing = (ms: number) =>
      schedule.after(ms, () => {
        if (schedule.now + outageMs > end) return;
        client.product?.fail(random.between(0.3, 1) * outageMs);
        failing(lifeMs);
      });
    if (plan.flaky) failing(random.between(0, lengthMs - outageMs));
    for (let times = plan.claims ? random.below(4) : 0; times > 0; times--)
      schedule.after(random.between(0, lengthMs), () => {
        for (let rooms = 1 + random.below(3); rooms > 0; rooms--)
          client.react?.(client.product?.turn() ?? "");
      });
  }
  await schedule.run(lengthMs + outageMs, () => world.broken !== undefined);
  for (const client of clients) client.use?.();
  await rest(world, SETTLE_MS);
  await schedule.run(LATE_MS, () => world.broken !== undefined);
  for (const client of clients) client.stayed?.();
}

/** Those who are taken out of rooms hear no more of them, and everyone else of everything. */
async function talkOn(world: World): Promise<void> {
  if (world.plan.watchers === 0 || world.plan.budgets > 0) return;
  await linger(world);
  await rest(world, SETTLE_MS);
}

/** Everyone disconnects, and nothing may be left of them. */
async function empty(world: World): Promise<void> {
  const { schedule, people, nodes } = world;
  world.note?.("everyone goes");
  for (const person of people) person.quit();
  await schedule.run(EMPTY_MS, () => world.broken !== undefined);
  if (world.broken) return;
  for (const node of nodes) {
    const left = node.leftovers();
    if (left.length > 0) world.fail(`${node.name} has left`, left.join("; "));
  }
  await world.uploaders.tidy();
}
