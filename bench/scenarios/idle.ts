import type { Person } from "../people.ts";
import type { Scenario } from "../scenario.ts";
import { seat } from "../stage.ts";
import { openSockets } from "../traffic.ts";

const SOCKETS = 8_000;
const QUICK_SOCKETS = 2_000;
/** Sockets opened before the measurement, because the first ones cause one-time costs such as loading code. */
const FIRST = 500;
const KIB = 1024;

/** The cost of opening and keeping an idle socket. */
export const idle: Scenario = {
  name: "idle",
  does: `${SOCKETS} people open a socket each, with tokens that the server has not seen before, and send nothing.`,
  kinds: ["parley", "bare"],
  sockets: SOCKETS,
  bars: [
    {
      what: "resident memory per socket above bare",
      unit: "KiB",
      value: ({ parley, bare }) => (parley.kibPerSocket ?? NaN) - (bare.kibPerSocket ?? NaN),
      atMost: 2,
    },
    {
      what: "connections per second, with verified tokens",
      unit: "/s",
      value: ({ parley }) => parley.connectionsPerSecond ?? NaN,
      atLeast: 3000,
    },
  ],
  measure: (stage, kind) =>
    stage.play({ kind }, async (server, crew) => {
      const everyone = await stage.people.first(FIRST + (stage.quick ? QUICK_SOCKETS : SOCKETS));
      const people = everyone.slice(FIRST);
      const rest = () => Bun.sleep(stage.quick ? 1000 : 8000);
      const seatsOf = (persons: readonly Person[]) =>
        persons.map((person) => seat(kind, person, null, false));
      await openSockets(crew, server, "v1", seatsOf(everyone.slice(0, FIRST)));
      await rest();
      const before = { bytes: server.residentBytes(), cpu: server.cpuSeconds() };
      const { liveMs } = await openSockets(crew, server, "v1", seatsOf(people));
      const cpuPerConnection = ((server.cpuSeconds() - before.cpu) / people.length) * 1e6;
      await rest();
      const grown = server.residentBytes() - before.bytes;
      const problems = await crew.settle();
      return {
        figures: {
          kibPerSocket: grown / KIB / people.length,
          connectionsPerSecond: (people.length / liveMs) * 1000,
          cpuPerConnection,
          residentMiB: server.residentBytes() / KIB / KIB,
        },
        problems,
      };
    }),
};
