import type { Attack, Means } from "../target.ts";
import { ROOMS } from "../target.ts";
import { ask, flood, pause, repeat, socket, uuid } from "../tools.ts";

const json = JSON.stringify;
const emoji = (index: number) => String.fromCodePoint(0x1f600 + (index % 18));

/** Runs an attack as both people at once. */
const together = (means: Means, attack: (means: Means) => Promise<void>) =>
  Promise.all(
    means.target.people.map((person) => attack({ ...means, target: { ...means.target, people: [person] } })),
  ).then(() => {});

/** Fifty people, most of whom nobody knows. */
const fifty = (index: number) => Array.from({ length: 50 }, (_, n) => `@person-${index * 50 + n}`);

/** What somebody can do to the other people of a room that they may enter. */
export const members: readonly Attack[] = [
  {
    name: "messages and edits that mention fifty people or everyone",
    database: true,
    missesBar: true,
    play: (means) =>
      together(means, (mine) =>
        flood(mine, 2, (index) => {
          const { room } = means.target;
          const about = { mentions: fifty(index % 100), everyone: index % 5 === 0, content: `@${index}` };
          const change = index % 2 === 0 ? { type: "send" } : { type: "edit", id: 1 + (index % 50) };
          return json({ ...change, ref: index, room, clientId: uuid(), ...about });
        }),
      ),
  },
  {
    name: "reactions to messages that have a thousand",
    play: (means) =>
      together(means, (mine) =>
        flood(mine, 2, (index) => {
          const id = 1 + ((index >> 1) % ROOMS.populars);
          const on = index % 2 === 0;
          return json({
            type: "react",
            ref: index,
            room: ROOMS.popular,
            clientId: uuid(),
            id,
            emoji: emoji(id),
            on,
          });
        }),
      ),
  },
  {
    name: "pages of messages that have a thousand reactions",
    play: (means) =>
      together(means, (mine) =>
        flood(mine, 20, (index) => json({ type: "history", ref: index, room: ROOMS.popular, limit: 100 })),
      ),
  },
  {
    name: "reactions to the largest messages in the bystander's room",
    play: async (means) => {
      const { room } = means.target;
      const posted: number[] = [];
      const content = "😀".repeat(4_000);
      const line = await socket(means, { person: means.target.people[1] ?? means.target.people[0] });
      line?.addEventListener("message", ({ data }) => {
        const { id } = JSON.parse(String(data)) as { id?: number };
        if (id) posted.push(id);
      });
      for (let ref = 1; ref <= 20; ref++)
        line?.send(json({ type: "send", ref, room, clientId: uuid(), content }));
      while (posted.length < 20 && !means.over.aborted) await pause(means.over, 10);
      await together(means, (mine) =>
        flood(mine, 1, (index) => {
          const id = posted[(index >> 1) % posted.length] ?? 1;
          return json({
            type: "react",
            ref: index,
            room,
            clientId: uuid(),
            id,
            emoji: emoji(index >> 1),
            on: index % 2 === 0,
          });
        }),
      );
    },
  },
  {
    name: "joining the bystander's room from the future",
    play: async (means) => {
      const { room } = means.target;
      const epoch = await epochOf(means, room);
      const since = `${epoch}.${Number.MAX_SAFE_INTEGER}`;
      await together(means, (mine) =>
        flood(mine, 20, (index) => json({ type: "join", ref: index, room, since })),
      );
    },
  },
  {
    name: "leaving the bystander's room for good again and again",
    play: (means) =>
      together(means, async (mine) => {
        const [person] = mine.target.people;
        await Promise.all([
          repeat(mine, 5, () =>
            ask(mine, `/rooms/${mine.target.room}/members/me/`, { method: "DELETE", person }),
          ),
          flood(mine, 5, (index) => json({ type: "join", ref: index, room: mine.target.room })),
        ]);
      }),
  },
  {
    name: "half a MiB on each of 50 sockets at once",
    play: (means) => {
      const burst = Array.from({ length: 16 }, () => json({ type: "x", pad: "й".repeat(15_900) }));
      return together(means, (mine) =>
        repeat(mine, 50, async () => {
          const line = await socket(mine);
          for (const frame of line ? burst : []) line?.send(frame);
          mine.tally.count("frames", burst.length);
          await pause(mine.over, line ? 60_000 : 100);
        }),
      );
    },
  },
  {
    name: "resuming from another place on each socket",
    play: async (means) => {
      const epoch = await epochOf(means, ROOMS.long);
      let next = 0;
      await together(means, (mine) =>
        flood(mine, 20, (ref) => {
          const since = `${epoch}.${10_001 + ((next += 37) % 9_000)}`;
          return json({ type: ref % 2 ? "leave" : "join", ref, room: ROOMS.long, since });
        }),
      );
    },
  },
];

/** Joins a room on a socket of its own. Returns the database's epoch. */
async function epochOf(means: Means, room: string): Promise<string> {
  let epoch = "";
  const line = await socket(means);
  line?.addEventListener("message", ({ data }) => {
    epoch ||= /"epoch":"([^"]+)"/.exec(String(data))?.[1] ?? "";
  });
  line?.send(json({ type: "join", ref: 1, room }));
  while (!epoch && !means.over.aborted) await pause(means.over, 10);
  return epoch;
}
