import { type Attack, type Means, type Person, ROOMS } from "../target.ts";
import { ask, breach, pause, repeat, socket, uuid } from "../tools.ts";

/** Creates a private room of the first attacker. Returns its path. */
async function create(means: Means): Promise<string> {
  const [person] = means.target.people;
  for (;;) {
    const response = await ask(means, "/rooms/", { person, body: { title: "Lair", clientId: uuid() } });
    const { room } = (await response.json()) as { room?: string };
    if (room) return `/rooms/${encodeURIComponent(room)}`;
    await pause(means.over, 100);
  }
}

/** The public id of an attacker, as a path has it. */
async function idOf(means: Means, person: Person): Promise<string> {
  const { user } = (await (await ask(means, "/account/me/", { person })).json()) as { user?: { id: string } };
  return encodeURIComponent(user?.id ?? "");
}

const second = ({ target: { people } }: Means) => people[1] ?? people[0];

/** Creates a link. Returns its token; undefined if the server refuses. */
async function invite(means: Means, path: string): Promise<string | undefined> {
  const [person] = means.target.people;
  const response = await ask(means, `${path}/invitations/`, { person, body: { expiresIn: 3600 } });
  return ((await response.json()) as { token?: string }).token;
}

/** Someone who was in no attack's room before. */
const STRANGER = "@one1";

/** What somebody can do with rooms of their own and the people in them, and with reports. */
export const rooms: readonly Attack[] = [
  {
    name: "guessed links",
    play: (means) =>
      repeat(means, 20, (lane) =>
        ask(means, "/invitations/", {
          ...(means.target.people[lane % 2] && { person: means.target.people[lane % 2] }),
          body: { token: Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString("base64url") },
        }),
      ),
  },
  {
    name: "a link used and its room left, again and again",
    async play(means) {
      const path = await create(means);
      const token = await invite(means, path);
      await repeat(means, 8, async () => {
        await ask(means, "/invitations/", { person: second(means), body: { token } });
        await ask(means, `${path}/members/me/`, { person: second(means), method: "DELETE" });
      });
    },
  },
  {
    name: "links made and revoked by the hundred",
    async play(means) {
      const [person] = means.target.people;
      const path = await create(means);
      await repeat(means, 8, async () => {
        await invite(means, path);
        const list = await ask(means, `${path}/invitations/?limit=100`, { person });
        const links = (await list.json()) as { id: string }[];
        for (const { id } of Array.isArray(links) ? links : [])
          await ask(means, `${path}/invitations/${id}/`, { person, method: "DELETE" });
      });
    },
  },
  {
    name: "a flood of notices",
    async play(means) {
      const [person] = means.target.people;
      const path = await create(means);
      const other = await idOf(means, second(means));
      const calls = [
        () =>
          ask(means, `${path}/`, {
            person,
            method: "PATCH",
            body: { title: uuid(), topic: uuid().repeat(10) },
          }),
        () => ask(means, `${path}/members/${other}/`, { person, method: "PUT", body: {} }),
        () => ask(means, `${path}/mutes/${other}/`, { person, method: "PUT", body: {} }),
        () => ask(means, `${path}/mutes/${other}/`, { person, method: "DELETE" }),
        () => ask(means, `${path}/members/${other}/`, { person, method: "DELETE" }),
      ];
      await repeat(means, 10, (_, round) => calls[round % calls.length]?.() ?? Promise.resolve());
    },
  },
  {
    name: "the members of a room of ten thousand, page after page and by name",
    database: true,
    play: (means) =>
      repeat(means, 20, (lane, round) =>
        ask(means, `/rooms/${ROOMS.crowded}/members/?limit=100${lane % 2 ? `&q=one${round % 100}` : ""}`, {
          person: means.target.people[0],
        }),
      ),
  },
  {
    name: "reports of the largest messages",
    database: true,
    play: (means) =>
      repeat(means, 10, (lane, round) =>
        ask(means, `/rooms/${ROOMS.heavy}/messages/${1 + ((10 * round + lane) % 1_000)}/report/`, {
          person: means.target.people[lane % 2] ?? means.target.people[0],
          body: { reason: "😀".repeat(500) },
        }),
      ),
  },
  {
    name: "someone who blocks the attacker added to rooms in every way",
    async play(means) {
      const [person] = means.target.people;
      const victim = second(means);
      const [mine, theirs] = [await idOf(means, person), await idOf(means, victim)];
      while (!means.over.aborted) {
        const { status } = await ask(means, `/blocks/${mine}/`, { person: victim, method: "PUT" });
        if (status === 204) break;
        await pause(means.over, 100);
      }
      const path = await create(means);
      const user = decodeURIComponent(theirs);
      const line = await socket(means, { person });
      line?.addEventListener("message", ({ data }) => {
        if (/^\{"type":"ok"/.test(String(data))) breach(means, "the command `member`");
      });
      const room = decodeURIComponent(path.slice(7));
      const ways: readonly (readonly [string, () => Promise<Response>])[] = [
        ["a new room", () => ask(means, "/rooms/", { person, body: { people: [user], clientId: uuid() } })],
        [
          "a new room of three",
          () => ask(means, "/rooms/", { person, body: { people: [STRANGER, user], clientId: uuid() } }),
        ],
        ["a room", () => ask(means, `${path}/members/${theirs}/`, { person, method: "PUT", body: {} })],
        ["a direct room", () => ask(means, "/direct/", { person, method: "PUT", body: { people: [user] } })],
        [
          "a direct room of three",
          () => ask(means, "/direct/", { person, method: "PUT", body: { people: [user, STRANGER] } }),
        ],
      ];
      await repeat(means, 5, async (lane, round) => {
        line?.send(
          JSON.stringify({ type: "member", ref: 5 * round + lane, room, clientId: uuid(), user, set: "in" }),
        );
        const [name, go] = ways[(lane + round) % ways.length] ?? [
          "",
          () => Promise.reject(new Error("no way")),
        ];
        if ((await go()).ok) breach(means, name);
        const rooms = await ask(means, "/rooms/", { person: victim });
        if (rooms.ok && ((await rooms.json()) as unknown[]).length > 0)
          breach(means, "a room is in the victim's list");
      });
    },
  },
  {
    name: "the bystanders added to one room after another",
    async play(means) {
      const [person] = means.target.people;
      const list = await ask(means, `/rooms/${means.target.room}/members/?limit=200`, { person });
      const people = ((await list.json()) as { id: string }[]).map(({ id }) => id);
      const path = await create(means);
      await repeat(means, 10, (lane, round) => {
        if (lane % 2)
          return ask(means, "/rooms/", { person, body: { people, title: uuid(), clientId: uuid() } });
        const someone = encodeURIComponent(people[(lane + round) % people.length] ?? "");
        return ask(means, `${path}/members/${someone}/`, { person, method: round % 2 ? "DELETE" : "PUT" });
      });
    },
  },
  {
    name: "blocks set and lifted",
    async play(means) {
      const [person] = means.target.people;
      const other = await idOf(means, second(means));
      await repeat(means, 10, (lane) =>
        ask(means, `/blocks/${other}/`, { person, method: lane % 2 ? "PUT" : "DELETE" }),
      );
    },
  },
];
