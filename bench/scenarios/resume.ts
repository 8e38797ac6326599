import type { Contender } from "../contender.ts";
import type { Crew } from "../crew.ts";
import type { Measured, Scenario } from "../scenario.ts";
import { seat, type Stage } from "../stage.ts";
import { spreadOf } from "../statistics.ts";
import { latencies, openSockets } from "../traffic.ts";

const LONG = 1_000;
const SHORT = 100;
const CROWD_ROOMS = 10;
const FINISH_MS = 60_000;
const PARALLEL = 1_000;

/** Resuming: one client that missed many messages, then a crowd while others keep sending. */
export const resume: Scenario = {
  name: "resume",
  does: `One client resumes ${LONG} missed messages; then 1,000 clients resume ${SHORT} each at once while others keep sending.`,
  kinds: ["parley"],
  sockets: 1_300,
  bars: [
    {
      what: `time until one client has its ${LONG} missed messages`,
      unit: "ms",
      value: ({ parley }) => parley.oneMs ?? NaN,
      atMost: 50,
    },
    {
      what: "time until the whole crowd is live",
      unit: "s",
      value: ({ parley }) => parley.crowdS ?? NaN,
      atMost: 3,
    },
    {
      what: "delivery p99 to the others during that time",
      unit: "ms",
      value: ({ parley }) => parley.othersP99 ?? NaN,
      atMost: 50,
    },
  ],
  measure: (stage, kind) =>
    stage.play({ kind, crews: 2 }, async (server, crew, others) => {
      const oneMs = await one(stage, server, crew);
      const crowd = await many(stage, server, crew, others);
      return { ...crowd, figures: { oneMs, ...crowd.figures } };
    }),
};

/** Cuts one client, lets it miss messages and resumes it. Returns the median time of several runs. */
async function one(stage: Stage, server: Contender, crew: Crew): Promise<number> {
  const people = await stage.people.first(2);
  await openSockets(
    crew,
    server,
    "v1",
    people.map((person, at) => seat("parley", person, "long", at === 0)),
  );
  const times: number[] = [];
  for (let again = 0; again < (stage.quick ? 3 : 9); again++) {
    await crew.all({ do: "cut", listeners: true });
    await say(crew, LONG);
    const returned = await crew.all({ do: "return", parallel: 1 });
    times.push(Math.max(...returned.map(({ liveMs }) => liveMs)));
  }
  return spreadOf(times).median;
}

async function many(stage: Stage, server: Contender, crew: Crew, others: Crew): Promise<Measured> {
  const size = stage.quick ? 300 : 1_000;
  const people = await stage.people.first(size + CROWD_ROOMS + 200);
  await crew.all({ do: "leave" });
  const crowd = people
    .slice(0, size + CROWD_ROOMS)
    .map((person, at) => seat("parley", person, `crowd-${at % CROWD_ROOMS}`, at < CROWD_ROOMS));
  const talkers = people
    .slice(size + CROWD_ROOMS)
    .map((person, at) => seat("parley", person, `room-${at % 20}`, true));
  await openSockets(crew, server, "v1", crowd);
  await openSockets(others, server, "v1", talkers);
  await crew.all({ do: "cut", listeners: true });
  await say(crew, SHORT);
  await others.all({ do: "talk", pace: { perSecond: 500 } });
  await Bun.sleep(1500);
  const calm = latencies(await others.mark());
  const returned = await crew.all({ do: "return", parallel: PARALLEL });
  await Bun.sleep(200);
  const busy = latencies(await others.mark());
  return {
    figures: {
      crowdS: Math.max(...returned.map(({ liveMs }) => liveMs)) / 1000,
      othersP50: busy.p50,
      othersP99: busy.p99,
      calmP99: calm.p99,
    },
    problems: [...(await crew.settle()), ...(await others.settle())],
  };
}

async function say(crew: Crew, each: number): Promise<void> {
  await crew.all({ do: "talk", pace: { window: 64, each } });
  await crew.all({ do: "hush", finish: FINISH_MS });
}
