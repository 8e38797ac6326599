import type { Scenario } from "../scenario.ts";
import { seat } from "../stage.ts";
import { seatAll } from "../traffic.ts";

const SOCKETS = 8_000;
const QUICK_SOCKETS = 2_000;
const KIB = 1024;

/** Sockets of people who say nothing: what one costs to open and to keep. */
export const idle: Scenario = {
  name: "idle",
  does: `${SOCKETS} people open a socket each, with tokens that the server has not seen before, and keep still.`,
  kinds: ["parley", "bare"],
  sockets: SOCKETS,
  bars: [
    {
      what: "resident memory for each socket above bare's",
      unit: "KiB",
      value: ({ parley, bare }) => (parley.kibPerSocket ?? NaN) - (bare.kibPerSocket ?? NaN),
      atMost: 2,
    },
    {
      what: "connections a second, tokens verified",
      unit: "/s",
      value: ({ parley }) => parley.connectionsPerSecond ?? NaN,
      atLeast: 3000,
    },
  ],
  measure: (stage, kind) =>
    stage.play({ kind }, async (server, crew) => {
      const people = await stage.people.first(stage.quick ? QUICK_SOCKETS : SOCKETS);
      const rest = () => Bun.sleep(stage.quick ? 1000 : 5000);
      await rest();
      const before = { bytes: server.residentBytes(), cpu: server.cpuSeconds() };
      const seats = people.map((person) => seat(kind, person, null, false));
      const { liveMs } = await seatAll(crew, server, "v1", seats);
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
