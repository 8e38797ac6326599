import type { Scenario } from "../scenario.ts";
import { seat } from "../stage.ts";
import { openSockets } from "../traffic.ts";

const PEOPLE = 10_000;
const QUICK_PEOPLE = 2_000;
/** Over what time they come; the full form's is what the bar says, less what the last ones may take. */
const JOIN_MS = 9_500;
const QUICK_JOIN_MS = 2_000;
/** The longest that a room is not told. */
const TOLD_MS = 11_000;

/** Everyone comes at once: what each is told of the others must not grow with their number. */
export const joins: Scenario = {
  name: "joins",
  does: `${PEOPLE} people join one room, spread over ten seconds.`,
  kinds: ["parley"],
  sockets: PEOPLE,
  bars: [
    {
      what: "until all have joined",
      unit: "s",
      value: ({ parley }) => parley.joinedS ?? NaN,
      atMost: 10,
    },
    {
      what: "frames about presence for each person, to those with a fourth of the people",
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
        await Bun.sleep(stage.quick ? TOLD_MS / 4 : TOLD_MS);
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
