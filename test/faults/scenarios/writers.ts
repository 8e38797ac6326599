import { startLoad } from "../load.ts";
import { type Scenario, withMore } from "../scenario.ts";
import { onStage } from "../stage.ts";

const WRITING_MS = 6_000;

/** Two processes without a bus between them write one room on one database: each finds the other's by its counter. */
export const twoWriters: Scenario = {
  name: "two processes write one room",
  play: ({ postgres, full }) =>
    onStage({ postgres, servers: 2 }, async (stage) => {
      const clients = stage.join(10);
      await stage.ready();
      const load = startLoad(clients, { perSecond: 40, window: 60 });
      await Bun.sleep(WRITING_MS * (full ? 5 : 1));
      load.stop();
      const stopped = performance.now();
      await stage.settled();
      const level = Math.round(performance.now() - stopped);
      const repairs = stage.servers.map(({ events }) => events.get("repair") ?? 0);
      return withMore(
        await stage.verdict(),
        `level ${level} ms after the last send; times each process read what the other wrote: ${repairs.join(", ")}`,
        [
          repairs.some((times) => times === 0) &&
            "a process never met the other's messages: nothing was tested",
        ],
      );
    }),
};
