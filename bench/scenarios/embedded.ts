import type { Contender } from "../contender.ts";
import type { Crew } from "../crew.ts";
import type { Pace, Seat } from "../load/orders.ts";
import type { Person } from "../people.ts";
import type { Scenario } from "../scenario.ts";
import { seat } from "../stage.ts";
import { measureInterval, latencies, openSockets } from "../traffic.ts";
import { archiveSql } from "./history.ts";

const ROOMS = 20;
const ARCHIVE = 200_000;
const QUICK_ARCHIVE = 20_000;

/** The throughput of the embedded database, and whether reading a long history delays messages. */
export const embedded: Scenario = {
  name: "embedded",
  does: `On PGlite: one sender in each of ${ROOMS} rooms with one unacknowledged message; 200 people in pairs with 4 each; a steady load while a client reads a long history.`,
  kinds: ["parley"],
  sockets: 200,
  embedded: true,
  bars: [
    {
      what: "messages per second, one sender per room",
      unit: "/s",
      value: ({ parley }) => parley.onePerRoom ?? NaN,
      atLeast: 2500,
    },
    {
      what: "messages per second, 200 people in pairs",
      unit: "/s",
      value: ({ parley }) => parley.inGroups ?? NaN,
      atLeast: 20_000,
    },
    {
      what: "delivery p99 while a client reads a history",
      unit: "ms",
      value: ({ parley }) => parley.p99Scan ?? NaN,
      atMost: 100,
    },
  ],
  async measure(stage, kind) {
    const people = await stage.people.first(200);
    const also = archiveSql(stage.quick ? QUICK_ARCHIVE : ARCHIVE);
    return stage.play({ kind, also }, async (server, crew) => {
      const problems: string[] = [];
      const seconds = stage.quick ? 1.5 : 6;

      const talk = async (seats: readonly Seat[], pace: Pace) => {
        await openSockets(crew, server, "v1", seats);
        await crew.all({ do: "talk", pace });
        await Bun.sleep(seconds * 300);
        const { figures } = await measureInterval(server, crew, seconds);
        problems.push(...(await crew.settle()));
        await crew.all({ do: "leave" });
        return figures.messagesPerSecond ?? NaN;
      };

      const alone = await talk([seat(kind, people[0] as Person, "alone", true)], { window: 1 });
      const onePerRoom = await talk(
        people.map((person, at) => seat(kind, person, `one-${at % ROOMS}`, at < ROOMS)),
        { window: 1 },
      );
      const inGroups = await talk(
        people.map((person, at) => seat(kind, person, `pair-${at >> 1}`, true)),
        { window: 4 },
      );

      await openSockets(
        crew,
        server,
        "v1",
        people.map((person, at) => seat(kind, person, `calm-${at % ROOMS}`, true)),
      );
      await crew.all({ do: "talk", pace: { perSecond: 200 } });
      await Bun.sleep(seconds * 300);
      const calm = await p99(crew, Bun.sleep(seconds * 1000));
      const scan = await p99(crew, readArchive(server, people[0] as Person, seconds));
      problems.push(...(await crew.settle()));
      return {
        figures: { alone, onePerRoom, inGroups, p99Calm: calm, p99Scan: scan },
        problems,
      };
    });
  },
};

async function p99(crew: Crew, during: Promise<unknown>): Promise<number> {
  await crew.mark();
  await during;
  return latencies(await crew.mark()).p99;
}

/** Pages back through the archive without a pause for this many seconds. */
async function readArchive({ port }: Contender, { token }: Person, seconds: number): Promise<void> {
  const end = performance.now() + seconds * 1000;
  let before = "";
  while (performance.now() < end) {
    const url = `http://127.0.0.1:${port}/history/archive/?limit=1000${before}`;
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    const [oldest] = (await response.json()) as { id: number }[];
    before = oldest && oldest.id > 1000 ? `&before=${oldest.id}` : "";
  }
}
