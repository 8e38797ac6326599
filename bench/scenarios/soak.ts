import type { Scenario } from "../scenario.ts";
import { seat } from "../stage.ts";
import { openSockets } from "../traffic.ts";

const CYCLES = 40;
const QUICK_CYCLES = 6;
const QUICK_MESSAGES = 40_000;
const ROOMS = 100;
const FINISH_MS = 600_000;

/** A long day in a short time: whether anything stays behind. */
export const soak: Scenario = {
  name: "soak",
  does: `Again and again 200 people come, talk in ${ROOMS} rooms that never were before, and go: 10 million messages in all.`,
  kinds: ["parley"],
  sockets: 2 * ROOMS,
  runs: 1,
  bars: [
    {
      what: "memory when all have gone, to that in the second tenth",
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
        await Bun.sleep(stage.quick ? 500 : 4000); // people are thought present for three seconds more
        resident.push(server.residentBytes() / 2 ** 20);
      }
      // The heap breathes by a third, garbage that is not collected yet: what is kept is the least of several looks.
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
        notes: [`MiB after each time that all had gone: ${resident.map(Math.round).join(" ")}`],
      };
    }),
};
