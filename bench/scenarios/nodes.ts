import type { Contender } from "../contender.ts";
import type { Person } from "../people.ts";
import type { Figures, Scenario } from "../scenario.ts";
import { seat, type Stage } from "../stage.ts";
import { measureInterval, openSockets } from "../traffic.ts";

const ROOMS = 20;
const PER_ROOM = 10;
const PER_SECOND = 500;

/** Returns the node of a member, by room and place; undefined leaves the member out. Place 0 is the sender. */
type Seating = (room: number, place: number) => number | undefined;

/** The same work on one, two and three nodes, which shows the cost of Redis and more nodes. Figures cover all nodes. */
const WORK: Readonly<Record<string, readonly [nodes: number, seating: Seating]>> = {
  one: [1, () => 0],
  // Like a proxy that hashes the path.
  twoByRoom: [2, (room) => room % 2],
  twoMixed: [2, (_, place) => place % 2],
  threeMixed: [3, (_, place) => place % 3],
  // Senders are on one node and readers on the other.
  across: [2, (_, place) => (place === 0 ? 0 : 1)],
  // Senders without readers: on one node alone, and on one node that publishes to an empty second one.
  silent: [1, (_, place) => (place === 0 ? 0 : undefined)],
  published: [2, (_, place) => (place === 0 ? 0 : undefined)],
};

export const nodes: Scenario = {
  name: "nodes",
  does: `${ROOMS} rooms of ${PER_ROOM} with one sender each, ${PER_SECOND} messages per second in total, on one, two and three nodes.`,
  kinds: ["parley"],
  sockets: ROOMS * PER_ROOM,
  runs: 3,
  bars: [
    {
      // Measured from the ack on, to exclude the commit.
      what: "delivery p50 across nodes, above that on one node",
      unit: "ms",
      value: ({ parley }) => (parley.acrossAfterAckP50 ?? NaN) - (parley.oneAfterAckP50 ?? NaN),
      atMost: 1.5,
    },
    {
      what: "CPU of a node without members in the rooms, as a share of a core",
      unit: "%",
      value: ({ parley }) => parley.otherBusyPercent ?? NaN,
      atMost: 1,
    },
  ],
  async measure(stage) {
    const people = await stage.people.first(ROOMS * PER_ROOM);
    const figures: Record<string, number> = {};
    const problems: string[] = [];
    for (const [name, [count, seating]] of Object.entries(WORK)) {
      const measured = await work(stage, people, count, seating);
      problems.push(...measured.problems.map((problem) => `${name}: ${problem}`));
      for (const [figure, value] of Object.entries(measured.figures)) figures[name + figure] = value;
    }
    const { silentCpuPerMessage = NaN, publishedCpuPerMessage = NaN, publishedOtherBusy = NaN } = figures;
    delete figures.publishedOtherBusy;
    return {
      figures: {
        ...figures,
        cpuPerMessageToPublish: publishedCpuPerMessage - silentCpuPerMessage,
        otherBusyPercent: publishedOtherBusy * 100,
      },
      problems,
    };
  },
};

async function work(stage: Stage, people: readonly Person[], count: number, seating: Seating) {
  return stage.playNodes(count, async (servers, crew) => {
    const seats = people.map((person, at) => {
      const [room, place] = [at % ROOMS, Math.floor(at / ROOMS)];
      return { at: seating(room, place), seat: seat("parley", person, `room-${room}`, place === 0) };
    });
    for (const [at, server] of servers.entries()) {
      const here = seats.filter((each) => each.at === at).map((each) => each.seat);
      if (here.length > 0) await openSockets(crew, server, "v1", here);
    }
    const other = servers[1];
    await crew.all({ do: "talk", pace: { perSecond: PER_SECOND } });
    await Bun.sleep(stage.quick ? 500 : 5_000);
    const [begun, before] = [performance.now(), other?.cpuSeconds() ?? 0];
    const { figures } = await measureInterval(together(servers), crew, stage.quick ? 2 : 8);
    const seconds = (performance.now() - begun) / 1000;
    const problems = await crew.settle();
    const nobodyThere = seats.every(({ at }) => at !== 1);
    return {
      figures: {
        ...chosen(figures),
        ...(other && nobodyThere && { OtherBusy: (other.cpuSeconds() - before) / seconds }),
      },
      problems,
    };
  });
}

const chosen = ({ p50, p99, ackP50, cpuPerMessage, cpuPerDelivery }: Figures): Record<string, number> => ({
  P50: p50 ?? NaN,
  AfterAckP50: (p50 ?? NaN) - (ackP50 ?? NaN),
  P99: p99 ?? NaN,
  CpuPerMessage: cpuPerMessage ?? NaN,
  CpuPerDelivery: cpuPerDelivery ?? NaN,
});

/** Returns one contender whose CPU time is the sum of all nodes. */
const together = (servers: readonly Contender[]): Contender => ({
  ...(servers[0] as Contender),
  cpuSeconds: () => servers.reduce((sum, server) => sum + server.cpuSeconds(), 0),
});
