import type { Contender } from "../contender.ts";
import type { Person } from "../people.ts";
import type { Scenario } from "../scenario.ts";
import { percentile } from "../statistics.ts";

const MESSAGES = 1_000_000;
const QUICK_MESSAGES = 50_000;
const ROOMS = 1_000;
/** The rooms of the person who searches. */
const MINE = 50;
/** How long the index may take, in milliseconds. */
const INDEX_MS = 30 * 60_000;

/** The time of a search, and what it costs to index a message. */
export const search: Scenario = {
  name: "search",
  does: `With ${MESSAGES} messages in ${ROOMS} rooms, which the server indexes first, someone who is in ${MINE} of them searches over HTTP, one request at a time: for a word in a fifth of the messages, for a rare one, for a pair of characters in a script without spaces, and for a phrase.`,
  kinds: ["parley"],
  sockets: 0,
  runs: 1,
  bars: [
    { what: "a common word", unit: "ms", value: ({ parley }) => parley.commonP50 ?? NaN, atMost: 15 },
    { what: "a rare word", unit: "ms", value: ({ parley }) => parley.rareP50 ?? NaN, atMost: 10 },
    { what: "a pair of characters", unit: "ms", value: ({ parley }) => parley.pairP50 ?? NaN, atMost: 10 },
  ],
  async measure(stage, kind) {
    const messages = stage.quick ? QUICK_MESSAGES : MESSAGES;
    const [person] = (await stage.people.first(1)) as [Person];
    return stage.play({ kind, also: corpusSql(messages) }, async (server) => {
      const cpu = server.cpuSeconds();
      const begun = performance.now();
      await indexed(server, person, begun + INDEX_MS);
      const indexS = (performance.now() - begun) / 1000;
      const indexCpu = ((server.cpuSeconds() - cpu) / messages) * 1e6;
      const times = stage.quick ? 50 : 500;
      const common = await measured(server, person, "common", times);
      const rare = await measured(server, person, "needle", times);
      const pair = await measured(server, person, "京都", times);
      const phrase = await measured(server, person, '"common w1"', times);
      return {
        figures: {
          commonP50: percentile(common.times, 0.5),
          commonP99: percentile(common.times, 0.99),
          rareP50: percentile(rare.times, 0.5),
          rareP99: percentile(rare.times, 0.99),
          pairP50: percentile(pair.times, 0.5),
          pairP99: percentile(pair.times, 0.99),
          phraseP50: percentile(phrase.times, 0.5),
          indexCpu,
          indexS,
        },
        problems: [common, rare, pair].flatMap(({ found, partial }, at) =>
          found > 0 && !partial ? [] : [`search ${at} found ${found}, ${partial ? "partly" : "completely"}`],
        ),
      };
    });
  },
};

async function find({ port }: Contender, { token }: Person, q: string) {
  const begun = performance.now();
  const response = await fetch(`http://127.0.0.1:${port}/search/?${new URLSearchParams({ q })}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const body = (await response.json()) as { messages: unknown[]; partial: boolean };
  if (!response.ok) throw new Error(`a search was refused with ${response.status}`);
  return { ms: performance.now() - begun, found: body.messages.length, partial: body.partial };
}

/** Waits until the index has all messages of the person's rooms, which come last. */
async function indexed(server: Contender, person: Person, end: number): Promise<void> {
  while ((await find(server, person, "common")).partial) {
    if (performance.now() > end) throw new Error("the index was not written in time");
    await Bun.sleep(500);
  }
}

async function measured(server: Contender, person: Person, q: string, count: number) {
  for (let warm = 0; warm < 20; warm++) await find(server, person, q);
  const times: number[] = [];
  let last = await find(server, person, q);
  while (times.length < count) times.push((last = await find(server, person, q)).ms);
  return { times, found: last.found, partial: last.partial };
}

/** Returns SQL that creates rooms in which people take turns, and makes the first person a member of the last {@link MINE}. */
const corpusSql = (messages: number) => {
  const each = messages / ROOMS;
  const word = "'w' || floor(random() * random() * 5000)::int || ' '";
  return [
    `insert into rooms (name, version, last_post, posted_at)
      select 'r' || lpad(i::text, 6, '0'), ${each}, ${each}, now() - interval '1 minute' from generate_series(1, ${ROOMS}) i order by i`,
    `insert into messages (room_id, id, version, sender_id, client_id, content, created_at)
      select r.id, i, i, (select min(id) + i % 2 from users where id > 0), gen_random_uuid(),
        ${Array.from({ length: 7 }, () => word).join(" || ")}
          || case when random() < 0.2 then 'common w1 ' else '' end
          || case when (i + r.id) % 500 = 7 then 'needle ' else '' end
          || case when random() < 0.05 then '東京都に行く' else '' end,
        now() - interval '1 minute' - (${each} - i) * interval '1 second' - r.id * interval '1 millisecond'
      from rooms r cross join generate_series(1, ${each}) i order by i, r.id`,
    `insert into members (user_id, room_id) select (select min(id) from users where id > 0), id from rooms
      where name > 'r' || lpad('${ROOMS - MINE}', 6, '0')`,
    "vacuum analyze",
  ];
};
