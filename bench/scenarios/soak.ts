import type { Scenario } from "../scenario.ts";
import { seat } from "../stage.ts";
import { openSockets } from "../traffic.ts";

const CYCLES = 40;
const QUICK_CYCLES = 6;
const QUICK_MESSAGES = 40_000;
const ROOMS = 100;
const FINISH_MS = 600_000;

/** A long run with many people and rooms that come and go, which would reveal a memory leak. */
export const soak: Scenario = {
  name: "soak",
  does: `200 people repeatedly connect, send in ${ROOMS} new rooms, and disconnect: 10 million messages in total.`,
  kinds: ["parley"],
  sockets: 2 * ROOMS,
  runs: 1,
  bars: [
    {
      what: "memory at the end relative to that in the second tenth, with everyone gone",
      unit: "×",
      value: ({ parley }) => (parley.residentMiBEnd ?? NaN) / (parley.residentMiBEarly ?? NaN),
      atMost: 1.1,
    },
  ],
  measure: (stage, kind) =>
    stage.play({ kind }, async (server, crew) => {
      const people = await stage.people.first(2 * ROOMS);
      const cycles = stage.quick ? QUICK_CYCLES : CYCLES;
      const each = Math.ceil((stage.quick ? QUICK_MESSAGES : stage.soakMessages) / cycles / people.length);
      const resident: number[] = [];
      const problems: string[] = [];
      const begun = performance.now();
      for (let cycle = 0; cycle < cycles; cycle++) {
        const seats = people.map((person, at) => seat(kind, person, `soak-${cycle}-${at % ROOMS}`, true));
        await openSockets(crew, server, "v1", seats);
        await crew.all({ do: "talk", pace: { window: 8, each } });
        problems.push(...(await crew.settle({ finish: FINISH_MS })));
        await crew.all({ do: "leave" });
        await Bun.sleep(stage.quick ? 500 : 4000); // people still count as present for three seconds
        resident.push(server.residentBytes() / 2 ** 20);
      }
      // Uncollected garbage moves the figure by a third, so the minimum of several samples counts.
      const tenth = Math.ceil(cycles / 10);
      const took = (performance.now() - begun) / 1000;
      return {
        figures: {
          messages: each * people.length * cycles,
          messagesPerSecond: (each * people.length * cycles) / took,
          residentMiBEarly: Math.min(...resident.slice(tenth, 2 * tenth + 1)),
          residentMiBMost: Math.max(...resident),
          residentMiBEnd: Math.min(...resident.slice(-tenth - 1)),
        },
        problems,
        notes: [`MiB each time after everyone had left: ${resident.map(Math.round).join(" ")}`],
      };
    }),
};
