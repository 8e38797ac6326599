import { startLoad } from "../load.ts";
import { type Scenario, withMore } from "../scenario.ts";
import { onStage } from "../stage.ts";

const WRITING_MS = 6_000;

/** Two processes without a bus write to one room in one database. Each finds the other's messages by the room's counter. */
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
        `caught up ${level} ms after the last change; times each process read the other's messages: ${repairs.join(", ")}`,
        [
          repairs.some((times) => times === 0) &&
            "a process never read the other's messages: nothing was tested",
        ],
      );
    }),
};
