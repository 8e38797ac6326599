import type { Contender } from "../contender.ts";
import { startReceiver } from "../receiver.ts";
import type { Figures, Scenario } from "../scenario.ts";
import { ADMIN_TOKEN, seat } from "../stage.ts";
import { measureTraffic, type TrafficOptions } from "../traffic.ts";

const HOOKS = 10;

/** What the search and webhooks cost those who post. */
export const consumers: Scenario = {
  name: "consumers",
  does: `One pair with one message at a time: without the search, with it, and with ${HOOKS} webhooks besides, in turns.`,
  kinds: ["parley"],
  sockets: 2,
  bars: [
    {
      what: "ack p50 with the search relative to without",
      unit: "×",
      value: ({ parley }) => (parley.searchAckP50 ?? NaN) / (parley.plainAckP50 ?? NaN),
      atMost: 1.05,
    },
    {
      what: `ack p50 with ${HOOKS} webhooks besides relative to without`,
      unit: "×",
      value: ({ parley }) => (parley.hooksAckP50 ?? NaN) / (parley.plainAckP50 ?? NaN),
      atMost: 1.05,
    },
  ],
  async measure(stage, kind) {
    const receiver = await startReceiver();
    const people = await stage.people.first(2);
    const figures: Record<string, number> = {};
    const problems: string[] = [];
    const turns: Readonly<Record<string, Pick<TrafficOptions, "settings" | "prepare">>> = {
      plain: { settings: { SEARCH: "off" } },
      search: {},
      hooks: {
        settings: { OUTBOUND_ALLOW: "127.0.0.1" },
        prepare: (server) => createHooks(server, receiver.url),
      },
    };
    try {
      for (const [name, how] of Object.entries(turns)) {
        const measured = await measureTraffic(stage, kind, {
          protocol: "v1",
          seats: people.map((person, at) => seat(kind, person, "pair", at === 0)),
          pace: { window: 1 },
          warmS: stage.quick ? 1 : 3,
          measureS: stage.quick ? 1 : 3,
          ...how,
        });
        Object.assign(figures, named(name, measured.figures));
        problems.push(...measured.problems);
      }
      const { changes } = await receiver.received();
      return { figures: { ...figures, events: changes }, problems };
    } finally {
      receiver.stop();
    }
  },
};

const named = (name: string, { ackP50, ackP99, cpuPerMessage }: Figures) => ({
  [`${name}AckP50`]: ackP50 ?? NaN,
  [`${name}AckP99`]: ackP99 ?? NaN,
  [`${name}Cpu`]: cpuPerMessage ?? NaN,
});

async function createHooks({ port }: Contender, url: string): Promise<void> {
  for (let hook = 0; hook < HOOKS; hook++) {
    const response = await fetch(`http://127.0.0.1:${port}/hooks/`, {
      method: "POST",
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" },
      body: JSON.stringify({ url }),
    });
    if (!response.ok) throw new Error(`POST /hooks/: ${response.status} ${await response.text()}`);
  }
}
