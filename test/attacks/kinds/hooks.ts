import { badReceivers } from "../receivers.ts";
import type { Attack, Means } from "../target.ts";
import { ask, breach, pause, repeat, uuid } from "../tools.ts";

/** The most webhooks that there can be. */
const WEBHOOKS = 50;
const OWN = "deploys";

/** Where no webhook may lead. */
const INSIDE = [
  "http://10.0.0.1/",
  "http://169.254.169.254/latest/meta-data/",
  "http://[::1]/",
  "http://0x7f000002/",
  "http://[::ffff:192.168.1.1]/",
];

const operator = ({ target }: Means) => ({ token: target.operator });

/** Creates something with the operator's key. Returns the response's body; undefined if the server refuses. */
async function create(means: Means, path: string, body: object): Promise<Record<string, string> | undefined> {
  const response = await ask(means, path, { ...operator(means), body });
  const created = (await response.json()) as Record<string, string>;
  return response.status === 201 ? created : undefined;
}

/** Removes all hooks of a kind, so that the next attack begins without them. */
async function removeAll(means: Means, path: string): Promise<void> {
  const response = await ask(means, path, operator(means));
  const all = (await response.json()) as readonly { id: string; revokedAt?: string | null }[];
  for (const { id, revokedAt } of all)
    if (!revokedAt) await ask(means, `${path}${id}/`, { ...operator(means), method: "DELETE" });
}

/** What a program with a key for hooks can do, and who receives what it asks for. */
export const hooks: readonly Attack[] = [
  {
    name: "fifty webhooks of a busy room whose receivers hang, drip, redirect and never end",
    database: true,
    async play(means) {
      const urls = await badReceivers(means);
      for (const url of INSIDE)
        if (await create(means, "/hooks/", { url })) breach(means, `a webhook leads to ${url}`);
      const wanted = Array.from({ length: WEBHOOKS + 10 }, (_, at) => urls[at % urls.length]);
      await Promise.all(wanted.map((url) => create(means, "/hooks/", { url, rooms: [means.target.room] })));
      await repeat(means, 1, async () => {
        const response = await ask(means, "/hooks/", operator(means));
        const all = (await response.json()) as { id: string }[];
        if (all.length > WEBHOOKS) breach(means, `there are ${all.length} webhooks`);
        for (const { id } of all)
          await ask(means, `/hooks/${id}/ping/`, { ...operator(means), method: "POST" });
        await pause(means.over, 100);
      });
    },
    end: (means) => removeAll(means, "/hooks/"),
  },
  {
    name: "incoming hooks made and used as much as anyone may",
    database: true,
    async play(means) {
      const paths: string[] = [];
      await repeat(means, 20, async (lane) => {
        if (lane < 4) {
          const created = await create(means, "/incoming-hooks/", { room: OWN, name: `CI ${paths.length}` });
          if (created?.path) paths.push(created.path);
          else await pause(means.over, 50);
          return;
        }
        const path = paths[Math.floor(Math.random() * paths.length)];
        if (!path) return pause(means.over, 50);
        await ask(means, path, { body: { text: `Build ${uuid()} has passed. `.repeat(20) } });
      });
    },
    end: (means) => removeAll(means, "/incoming-hooks/"),
  },
];
