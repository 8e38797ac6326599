import { type Attack, type Means, type Person, ROOMS } from "../target.ts";
import { ask, pause, repeat, uuid } from "../tools.ts";

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
