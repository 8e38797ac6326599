import type { Scenario } from "../scenario.ts";
import { seat } from "../stage.ts";
import { openSockets } from "../traffic.ts";

const PEOPLE = 10_000;
const QUICK_PEOPLE = 2_000;
/** The time over which people join. The full form leaves the last ones half a second below the bar of 10 s. */
const JOIN_MS = 9_500;
const QUICK_JOIN_MS = 2_000;
/** Longer than the maximum delay of presence frames. */
const PRESENCE_MS = 11_000;

/** A mass join: the number of presence frames per person must not grow with the number of people. */
export const joins: Scenario = {
  name: "joins",
  does: `${PEOPLE} people join one room, spread over ten seconds.`,
  kinds: ["parley"],
  sockets: PEOPLE,
  bars: [
    {
      what: "time until all have joined",
      unit: "s",
      value: ({ parley }) => parley.joinedS ?? NaN,
      atMost: 10,
    },
    {
      what: "presence frames per person relative to a room a quarter of the size",
      unit: "×",
      value: ({ parley }) => (parley.presencePerPerson ?? NaN) / (parley.presencePerPersonFourth ?? NaN),
      atMost: 2,
    },
  ],
  async measure(stage, kind) {
    const size = stage.quick ? QUICK_PEOPLE : PEOPLE;
    const people = await stage.people.first(size);

    const join = (count: number) =>
      stage.play({ kind }, async (server, crew) => {
        const seats = people.slice(0, count).map((person) => seat(kind, person, "square", false));
        const { liveMs } = await openSockets(
          crew,
          server,
          "v1",
          seats,
          stage.quick ? QUICK_JOIN_MS : JOIN_MS,
        );
        await Bun.sleep(stage.quick ? PRESENCE_MS / 4 : PRESENCE_MS);
        const { presence, bytes } = await crew.mark();
        const problems = await crew.settle();
        return { joinedS: liveMs / 1000, presence: presence / count, kib: bytes / 1024 / count, problems };
      });

    const fourth = await join(size / 4);
    const all = await join(size);
    return {
      figures: {
        joinedS: all.joinedS,
        presencePerPerson: all.presence,
        presencePerPersonFourth: fourth.presence,
        kibPerPerson: all.kib,
        kibPerPersonFourth: fourth.kib,
      },
      problems: [...fourth.problems, ...all.problems],
    };
  },
};
