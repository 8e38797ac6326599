import type { Scenario } from "../scenario.ts";
import { seat } from "../stage.ts";
import { measureInterval, openSockets } from "../traffic.ts";

const ROOMS = 20;
const PER_ROOM = 10;
const PER_SECOND = 1000;
const FIRST_S = 5;

/** How slow messages are while a server has just started. */
export const first: Scenario = {
  name: "first",
  does: `${ROOMS} rooms of ${PER_ROOM}, ${PER_SECOND} messages per second in total: the first ${FIRST_S} seconds after a start, and ${FIRST_S} later ones.`,
  kinds: ["parley"],
  sockets: ROOMS * PER_ROOM,
  bars: [
    {
      what: `delivery p99 in the first ${FIRST_S} seconds relative to later`,
      unit: "×",
      value: ({ parley }) => (parley.firstP99 ?? NaN) / (parley.laterP99 ?? NaN),
      atMost: 3,
    },
  ],
  async measure(stage, kind) {
    const people = await stage.people.first(ROOMS * PER_ROOM);
    return stage.play({ kind }, async (server, crew) => {
      const seats = people.map((person, at) => seat(kind, person, `room-${at % ROOMS}`, true));
      await openSockets(crew, server, "v1", seats);
      await crew.all({ do: "talk", pace: { perSecond: PER_SECOND } });
      const { figures: early } = await measureInterval(server, crew, FIRST_S);
      await Bun.sleep(stage.quick ? 1_000 : 10_000);
      const { figures: later } = await measureInterval(server, crew, FIRST_S);
      return {
        figures: {
          firstP50: early.p50 ?? NaN,
          firstP99: early.p99 ?? NaN,
          laterP50: later.p50 ?? NaN,
          laterP99: later.p99 ?? NaN,
        },
        problems: await crew.settle(),
      };
    });
  },
};
