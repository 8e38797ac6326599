import type { Attack } from "../target.ts";
import { ROOMS } from "../target.ts";
import { ask, flood, repeat, socket, uuid, pause } from "../tools.ts";

const json = JSON.stringify;

export const reads: readonly Attack[] = [
  {
    name: "40 requests for 1,000 large messages each",
    database: true,
    play: (means) =>
      repeat(means, 40, async () => {
        await (
          await ask(means, `/history/${ROOMS.heavy}/?limit=1000`, { person: means.target.people[0] })
        ).bytes();
      }),
  },
  {
    name: "the largest page of history on 49 sockets",
    database: true,
    play: (means) =>
      flood(means, 49, (index) => json({ type: "history", ref: index, room: ROOMS.heavy, limit: 1000 })),
  },
  {
    name: "history from random places of a long room",
    database: true,
    play: (means) =>
      flood(means, 10, (index) =>
        json({
          type: "history",
          ref: index,
          room: ROOMS.long,
          limit: 1000,
          before: 2 + Math.floor(Math.random() * 19_000),
        }),
      ),
  },
  {
    name: "resuming from the beginning of a long room",
    database: true,
    play: async (means) => {
      const first = await socket(means);
      let epoch = "";
      first?.addEventListener(
        "message",
        ({ data }) => (epoch ||= /"epoch":"([^"]+)"/.exec(String(data))?.[1] ?? ""),
      );
      first?.send(json({ type: "join", ref: 1, room: ROOMS.long }));
      while (!epoch && !means.over.aborted) await pause(means.over, 10);
      await repeat(means, 20, async () => {
        const line = await socket(means, { path: `/ws/chat/${ROOMS.long}/?since=${epoch}.${11_000}` });
        await pause(means.over, line ? 200 : 20);
        line?.close();
      });
    },
  },
  {
    name: "all rooms, page after page",
    database: true,
    play: (means) =>
      repeat(means, 20, async (_, round) => {
        const query = round % 2 ? "?all&limit=1000" : "?limit=1000";
        await (await ask(means, `/rooms/${query}`, { person: means.target.people[0] })).bytes();
      }),
  },
  {
    name: "rooms that look like something",
    database: true,
    play: (means) =>
      repeat(means, 10, (lane, round) =>
        ask(means, `/rooms/?like=x${lane}-${round}`, { person: means.target.people[0] }),
      ),
  },
  {
    name: "messages over HTTP, each on a connection of its own",
    database: true,
    play: (means) =>
      repeat(means, 20, () =>
        ask(means, `/rooms/flooded/messages/`, {
          person: means.target.people[0],
          headers: { connection: "close" },
          body: { content: "hi", clientId: uuid() },
        }),
      ),
  },
];
