import type { Contender } from "../contender.ts";
import type { Person } from "../people.ts";
import type { Scenario } from "../scenario.ts";
import { percentile } from "../statistics.ts";

const ROOMS = 100_000;
const QUICK_ROOMS = 10_000;
/** The rooms of the person who reads the list, and the messages in each room. */
const MINE = 500;
const MESSAGES = 20;

/** The time to read a list of conversations among the rooms of others. */
export const lists: Scenario = {
  name: "lists",
  does: `Among ${ROOMS} rooms, half of them direct, someone who is in ${MINE} reads pages of 50 conversations by activity over HTTP, one request at a time: the first page, and the one after it.`,
  kinds: ["parley"],
  sockets: 0,
  bars: [
    {
      what: "the first page of conversations",
      unit: "ms",
      value: ({ parley }) => parley.firstP50 ?? NaN,
      atMost: 5,
    },
  ],
  async measure(stage, kind) {
    const [person] = (await stage.people.first(1)) as [Person];
    const also = conversationsSql(stage.quick ? QUICK_ROOMS : ROOMS);
    return stage.play({ kind, also }, async (server) => {
      const pages = stage.quick ? 100 : 1000;
      const first = await read(server, person, "");
      for (let warm = 0; warm < 50; warm++) await read(server, person, "");
      const times: number[] = [];
      const later: number[] = [];
      while (times.length < pages) {
        times.push((await read(server, person, "")).ms);
        later.push((await read(server, person, first.next)).ms);
      }
      const problems = first.rooms === 50 ? [] : [`a page of ${first.rooms} rooms`];
      return {
        figures: {
          firstP50: percentile(times, 0.5),
          firstP99: percentile(times, 0.99),
          laterP50: percentile(later, 0.5),
        },
        problems,
      };
    });
  },
};

async function read({ port }: Contender, { token }: Person, cursor: string) {
  const begun = performance.now();
  const response = await fetch(`http://127.0.0.1:${port}/rooms/?order=activity&limit=50${cursor}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const rooms = (await response.json()) as unknown[];
  const ms = performance.now() - begun;
  if (!response.ok) throw new Error(`a list was refused with ${response.status}`);
  const [, before] = /before=([\w-]+)/.exec(response.headers.get("link") ?? "") ?? [];
  return { ms, rooms: rooms.length, next: `&before=${before}` };
}

/** Returns SQL that creates rooms of two and makes the first person a member of {@link MINE} of them. */
export const conversationsSql = (rooms: number) => [
  `insert into rooms (name, kind, version, last_post, posted_at)
    select case when i % 2 = 0 then '~' else 'r' end || lpad(i::text, 26, '0'), case when i % 2 = 0 then 'direct' else 'open' end,
      ${MESSAGES}, ${MESSAGES}, now() - i * interval '1 second' from generate_series(1, ${rooms}) i`,
  `insert into messages (room_id, id, version, sender_id, client_id, content, created_at)
    select r.id, i, i, (select min(id) + 1 from users where id > 0), gen_random_uuid(), 'message ' || i || repeat(' and so on', 5), r.posted_at
    from rooms r, generate_series(1, ${MESSAGES}) i`,
  `insert into members (user_id, room_id) select 2 + r.id % 1000, r.id from rooms r`,
  `insert into members (user_id, room_id) select 2 + (r.id + 1) % 1000, r.id from rooms r`,
  `insert into members (user_id, room_id) select (select min(id) from users where id > 0), id from rooms
    where id % ${Math.floor(rooms / MINE)} = 0`,
  `insert into own (user_id, room_id, last_read) select user_id, room_id, ${MESSAGES - 5} from members
    where user_id = (select min(id) from users where id > 0)`,
  "vacuum analyze",
];
