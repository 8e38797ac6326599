import type { Contender } from "../contender.ts";
import type { Scenario } from "../scenario.ts";

const MESSAGES = 500_000;
const QUICK_MESSAGES = 50_000;
const ROOMS = 1_000;
const ADMIN_TOKEN = "the-token-of-this-benchmark";

/** How fast one program reads everything that happened, and what that costs the server. */
export const events: Scenario = {
  name: "events",
  does: `With ${MESSAGES} messages in ${ROOMS} rooms, posted in turn, so that each has a row of its own in the journal: one program reads all of them as a stream of server-sent events, then those of one room in pages.`,
  kinds: ["parley"],
  sockets: 0,
  runs: 3,
  bars: [
    {
      what: "events of one stream",
      unit: "/s",
      value: ({ parley }) => parley.perSecond ?? NaN,
      atLeast: 5_000,
    },
  ],
  async measure(stage, kind) {
    const messages = stage.quick ? QUICK_MESSAGES : MESSAGES;
    const settings = { ADMIN_TOKEN, SEARCH: "off" };
    return stage.play({ kind, settings, also: corpusSql(messages) }, async (server) => {
      await stream(server, messages / 10);
      const cpu = server.cpuSeconds();
      const begun = performance.now();
      const all = await stream(server, messages);
      const seconds = (performance.now() - begun) / 1000;
      const cpuPerEvent = ((server.cpuSeconds() - cpu) / messages) * 1e6;
      const room = await pages(server, "r000500", messages / ROOMS);
      return {
        figures: {
          perSecond: messages / seconds,
          cpuPerEvent,
          roomMs: room.ms,
          roomPages: room.pages,
          mib: all.bytes / 2 ** 20,
        },
        problems: [
          ...(all.wrong > 0 ? [`${all.wrong} events were out of order in their room`] : []),
          ...(room.events === messages / ROOMS ? [] : [`the room has ${room.events} events`]),
        ],
      };
    });
  },
};

const request = ({ port }: Contender, query: string, accept: string) =>
  fetch(`http://127.0.0.1:${port}/events/?${query}`, {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, accept },
  });

/** Reads so many events from the beginning on. */
async function stream(server: Contender, count: number): Promise<{ bytes: number; wrong: number }> {
  const response = await request(server, "after=start", "text/event-stream");
  if (!response.ok) throw new Error(`the stream was refused with ${response.status}`);
  const last = new Map<string, number>();
  let [seen, bytes, wrong] = [0, 0, 0];
  let rest = "";
  const decoder = new TextDecoder();
  for await (const part of response.body ?? []) {
    bytes += part.length;
    const blocks = (rest + decoder.decode(part, { stream: true })).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const [, room, version] = /"room":"(\w+)".*?"version":(\d+)/.exec(block) ?? [];
      if (room === undefined) continue;
      seen++;
      if (Number(version) !== (last.get(room) ?? 0) + 1) wrong++;
      last.set(room, Number(version));
    }
    if (seen >= count) break;
  }
  return { bytes, wrong };
}

/** Reads one room page by page. */
async function pages(server: Contender, room: string, count: number) {
  const begun = performance.now();
  let [events, pages, after, more] = [0, 0, "start", true];
  while (more && events <= count) {
    const response = await request(server, `room=${room}&after=${after}`, "application/json");
    const page = (await response.json()) as { events: unknown[]; cursor: string; more: boolean };
    events += page.events.length;
    pages++;
    ({ cursor: after, more } = page);
  }
  return { events, pages, ms: performance.now() - begun };
}

/** Returns SQL that lets people post in one room after the other. */
const corpusSql = (messages: number) => {
  const each = messages / ROOMS;
  return [
    `insert into rooms (name, version, last_post, posted_at)
      select 'r' || lpad(i::text, 6, '0'), ${each}, ${each}, now() from generate_series(1, ${ROOMS}) i order by i`,
    `insert into messages (room_id, id, version, sender_id, client_id, content, created_at)
      select r.id, i, i, (select min(id) + i % 2 from users where id > 0), gen_random_uuid(),
        'message ' || i || ' of this room, about as long as most', now() from rooms r cross join generate_series(1, ${each}) i
      order by i, r.id`,
    `insert into journal (seq, room_id, after, upto)
      select row_number() over (order by i, r.id), r.id, i - 1, i from rooms r cross join generate_series(1, ${each}) i`,
    `insert into cursors (consumer, room_id, version) select 'journal', id, version from rooms`,
    "vacuum analyze",
  ];
};
