import type { Scenario } from "../scenario.ts";
import { seat } from "../stage.ts";
import { openSockets } from "../traffic.ts";

const SOCKETS = 8_000;
const QUICK_SOCKETS = 1_000;
const ROOMS = 50;
const MISSED = 100;
const FINISH_MS = 60_000;

/** Everyone reconnects at once after a restart, and each client has missed messages. */
export const restart: Scenario = {
  name: "restart",
  does: `${SOCKETS} sockets in ${ROOMS} rooms are cut, miss ${MISSED} messages each, and all reconnect after a restart of the server.`,
  kinds: ["parley"],
  sockets: SOCKETS,
  bars: [
    {
      what: "time until all are live again",
      unit: "s",
      value: ({ parley }) => parley.allLiveS ?? NaN,
      atMost: 10,
    },
  ],
  measure: (stage, kind) =>
    stage.play({ kind }, async (server, crew) => {
      const people = await stage.people.first(stage.quick ? QUICK_SOCKETS : SOCKETS);
      const before = server.residentBytes();
      const seats = people.map((person, at) => seat(kind, person, `room-${at % ROOMS}`, at < ROOMS));
      await openSockets(crew, server, "v1", seats);
      const grown = server.residentBytes() - before;
      await crew.all({ do: "cut", listeners: true });
      await crew.all({ do: "talk", pace: { window: 8, each: MISSED } });
      await crew.all({ do: "hush", finish: FINISH_MS });
      await server.restart();
      const cpu = server.cpuSeconds();
      const returned = await crew.all({ do: "return", parallel: people.length });
      const allLiveS = Math.max(...returned.map(({ liveMs }) => liveMs)) / 1000;
      return {
        figures: {
          allLiveS,
          cpuS: server.cpuSeconds() - cpu,
          kibPerSocketInRooms: grown / 1024 / people.length,
          residentMiBAfter: server.residentBytes() / 2 ** 20,
        },
        problems: await crew.settle(),
      };
    }),
};
