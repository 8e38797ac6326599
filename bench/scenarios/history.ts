import type { Scenario } from "../scenario.ts";
import type { Contender } from "../contender.ts";
import type { Person } from "../people.ts";
import { percentile } from "../statistics.ts";

const MESSAGES = 1_000_000;
const QUICK_MESSAGES = 100_000;
const ROOTS = 50;
const REPLIES = 150;

/** The time to read a page of a long history, at any position. */
export const history: Scenario = {
  name: "history",
  does: `In a room of ${MESSAGES} messages, one request at a time: the newest page of 100 over HTTP, then pages at random positions; lists of 50 rooms that include it; reactions; joins with unread messages; a page of ${ROOTS} messages that each begin a thread, and one of as many that do not.`,
  kinds: ["parley"],
  sockets: 1,
  bars: [
    { what: "the newest page", unit: "ms", value: ({ parley }) => parley.firstP50 ?? NaN, atMost: 3 },
    {
      what: `a page with ${ROOTS} threads relative to one without`,
      unit: "×",
      value: ({ parley }) => (parley.rootsP50 ?? NaN) / (parley.flatP50 ?? NaN),
      atMost: 1.2,
    },
    { what: "a deep page", unit: "ms", value: ({ parley }) => parley.deepP50 ?? NaN, atMost: 3 },
  ],
  async measure(stage, kind) {
    const messages = stage.quick ? QUICK_MESSAGES : MESSAGES;
    const [person] = (await stage.people.first(1)) as [Person];
    return stage.play({ kind, also: [...archiveSql(messages), ...threadsSql] }, async (server) => {
      const pages = stage.quick ? 100 : 1000;
      const anywhere = () => 1000 + Math.floor(Math.random() * (messages - 1000));
      await page(server, person, () => "", 50);
      const first = await page(server, person, () => "", pages);
      const deep = await page(server, person, () => `&before=${anywhere()}`, pages);
      const after = await page(server, person, () => `&after=${anywhere()}`, pages);
      const lists = await times(pages, () => request(server, person, "GET", "/rooms/?limit=50"));
      const reactions = await times(pages, () => {
        const place = `/rooms/archive/messages/${anywhere()}/reactions/${encodeURIComponent("👍")}/`;
        return request(server, person, "PUT", place);
      });
      const compared = { roots: [] as number[], flat: [] as number[] };
      // In turns, because they are compared.
      for (let turn = 0; turn < pages; turn++)
        for (const room of ["roots", "flat"] as const) {
          const place = `/history/${room}/?limit=${ROOTS}&before=${ROOTS + 1}`;
          compared[room].push(...(await times(1, () => request(server, person, "GET", place))));
        }
      const joins = await times(pages, () => join(server, person));
      return {
        figures: {
          roomsP50: percentile(lists, 0.5),
          reactP50: percentile(reactions, 0.5),
          rootsP50: percentile(compared.roots, 0.5),
          flatP50: percentile(compared.flat, 0.5),
          joinP50: percentile(joins, 0.5),
          firstP50: percentile(first.times, 0.5),
          firstP99: percentile(first.times, 0.99),
          deepP50: percentile(deep.times, 0.5),
          deepP99: percentile(deep.times, 0.99),
          afterP50: percentile(after.times, 0.5),
          cpuPerPage: deep.cpuPerPage,
        },
        problems: [...first.problems, ...deep.problems, ...after.problems],
      };
    });
  },
};

/** Calls `task` `count` times in sequence and returns the durations in milliseconds. */
async function times(count: number, task: () => Promise<unknown>): Promise<number[]> {
  const taken: number[] = [];
  while (taken.length < count) {
    const begun = performance.now();
    await task();
    taken.push(performance.now() - begun);
  }
  return taken;
}

async function request({ port }: Contender, { token }: Person, method: string, path: string) {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return response.bytes();
}

/** Opens a socket on the room's URL and closes it after `joined`, which includes the unread count. */
const join = ({ port }: Contender, { token }: Person) =>
  new Promise<void>((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws/chat/archive/`, ["chat.v1", `bearer.${token}`]);
    socket.onmessage = ({ data }) => {
      if (!String(data).startsWith('{"type":"joined"')) return;
      socket.close();
      resolve();
    };
    socket.onerror = () => reject(new Error("the socket failed"));
  });

/** Returns SQL that fills the room `archive` and makes the first person a member of it and of fifty more rooms. */
export const archiveSql = (messages: number) => [
  `insert into rooms (name, version) values ('archive', ${messages})`,
  `insert into messages (room_id, id, version, sender_id, client_id, content, created_at)
    select r.id, i, i, 1 + i % 100, gen_random_uuid(), 'message ' || i || repeat(' and so on', 5), now()
    from rooms r, generate_series(1, ${messages}) i where r.name = 'archive'`,
  "insert into rooms (name, version) select 'shelf-' || i, 0 from generate_series(1, 50) i",
  "insert into members (user_id, room_id) select (select min(id) from users), id from rooms",
  `insert into own (user_id, room_id, last_read)
    select (select min(id) from users), id, greatest(version - 1000, 0) from rooms`,
  "vacuum analyze messages",
];

/** Two rooms with the same messages. In one of them, the later ones are replies in threads that the first ones began. */
const threadsSql = [
  `insert into rooms (name, version) values ('roots', ${ROOTS + REPLIES}), ('flat', ${ROOTS + REPLIES})`,
  `insert into messages (room_id, id, version, sender_id, client_id, content, created_at, thread, also_room)
    select r.id, i, i, 1 + i % 100, gen_random_uuid(), 'message ' || i, now(),
      case when r.name = 'roots' and i > ${ROOTS} then 1 + i % ${ROOTS} end, case when r.name = 'roots' and i > ${ROOTS} then false end
    from rooms r, generate_series(1, ${ROOTS + REPLIES}) i where r.name in ('roots', 'flat')`,
  `insert into threads (room_id, root_id, replies, last_id, last_at, people)
    select room_id, thread, count(*), max(id), max(created_at), (array_agg(distinct sender_id))[1:5]
    from messages where thread is not null group by room_id, thread`,
  "vacuum analyze messages",
];

/** Reads pages in sequence. The times include the client and the network. */
async function page(server: Contender, { token }: Person, query: () => string, count: number) {
  const times: number[] = [];
  const problems: string[] = [];
  const cpu = server.cpuSeconds();
  for (let at = 0; at < count; at++) {
    const begun = performance.now();
    const response = await fetch(`http://127.0.0.1:${server.port}/history/archive/?limit=100${query()}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const bytes = await response.bytes();
    times.push(performance.now() - begun);
    if (at > 0) continue;
    const found = JSON.parse(new TextDecoder().decode(bytes)) as { id: number }[];
    const gap = found.some(({ id }, index) => index > 0 && id !== (found[index - 1]?.id ?? 0) + 1);
    if (found.length !== 100 || gap)
      problems.push(`a page of ${found.length} messages${gap ? ", with gaps" : ""}`);
  }
  return { times, problems, cpuPerPage: ((server.cpuSeconds() - cpu) / count) * 1e6 };
}
