import type { Contender } from "../contender.ts";
import type { Person } from "../people.ts";
import type { Scenario } from "../scenario.ts";
import { ADMIN_TOKEN } from "../stage.ts";
import { percentile } from "../statistics.ts";

const MEMBERS = 10_000;
const QUICK_MEMBERS = 2_000;
const ADDED = 1_000;
const LISTED = 100;

/** The time to add many members, and to list some of many. */
export const members: Scenario = {
  name: "members",
  does: `A backend adds ${ADDED} people to a private room in one request, again and again in another room. A member of a room of ${MEMBERS} reads pages of ${LISTED} members over HTTP, from its beginning to its end.`,
  kinds: ["parley"],
  sockets: 0,
  bars: [
    {
      what: `adding ${ADDED} members`,
      unit: "ms",
      value: ({ parley }) => parley.addP50 ?? NaN,
      atMost: 1_000,
    },
    {
      what: `a page of ${LISTED} members`,
      unit: "ms",
      value: ({ parley }) => parley.pageP50 ?? NaN,
      atMost: 10,
    },
  ],
  async measure(stage, kind) {
    const [person] = (await stage.people.first(1)) as [Person];
    const size = stage.quick ? QUICK_MEMBERS : MEMBERS;
    return stage.play({ kind, also: crowdSql(size) }, async (server) => {
      const adds: number[] = [];
      for (let room = 0; room < (stage.quick ? 3 : 20); room++)
        adds.push(await addMany(server, `crew-${room}`));
      const pages: number[] = [];
      const problems: string[] = [];
      for (let round = 0; round < (stage.quick ? 2 : 10); round++) {
        const { times, listed } = await readAll(server, person);
        pages.push(...times);
        if (listed !== size) problems.push(`${listed} of ${size} members were listed`);
      }
      return {
        figures: {
          addP50: percentile(adds, 0.5),
          addP99: percentile(adds, 0.99),
          pageP50: percentile(pages, 0.5),
          pageP99: percentile(pages, 0.99),
        },
        problems,
      };
    });
  },
};

/** Returns SQL that creates a private room with this many members. */
const crowdSql = (size: number) => [
  "insert into rooms (name, kind, fence) values ('crowd', 'private', 1)",
  `insert into members (user_id, room_id) select u.id, r.id
    from (select id from users where id > 0 order by id limit ${size}) u, rooms r where r.name = 'crowd'`,
  "vacuum analyze",
];

async function addMany({ port }: Contender, room: string): Promise<number> {
  const ask = async (method: string, path: string, body: object) => {
    const response = await fetch(`http://127.0.0.1:${port}/admin/rooms/${path}`, {
      method,
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!response.ok)
      throw new Error(`${method} ${path} failed with ${response.status}: ${await response.text()}`);
    await response.json();
  };
  await ask("POST", "", { room, kind: "private" });
  const users = Array.from({ length: ADDED }, (_, index) => `@p${String(index + 1).padStart(5, "0")}`);
  const begun = performance.now();
  await ask("PUT", `${room}/members/`, { users });
  return performance.now() - begun;
}

/** Reads the list of members page by page. */
async function readAll({ port }: Contender, { token }: Person) {
  const times: number[] = [];
  let listed = 0;
  let path: string | undefined = `/rooms/crowd/members/?limit=${LISTED}`;
  while (path !== undefined) {
    const begun = performance.now();
    const response: Response = await fetch(`http://127.0.0.1:${port}${path}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const page = (await response.json()) as unknown[];
    times.push(performance.now() - begun);
    if (!response.ok) throw new Error(`a list was refused with ${response.status}`);
    listed += page.length;
    path = /<([^>]+)>/.exec(response.headers.get("link") ?? "")?.[1];
  }
  return { times, listed };
}
