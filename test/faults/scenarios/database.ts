import { until } from "../condition.ts";
import { startLoad } from "../load.ts";
import { between, type Scenario, withMore } from "../scenario.ts";
import { onStage } from "../stage.ts";

const TERMINATE_MS = 4_000;

/** Under load, Postgres crashes and restarts several times, then random connections to it are terminated. */
export const databaseRestarts: Scenario = {
  name: "Postgres stopped and started, its connections ended at random",
  play: ({ postgres, full }) =>
    onStage({ postgres }, async (stage) => {
      const { ledger } = stage;
      const clients = stage.join(8);
      await stage.ready();
      const load = startLoad(clients, { perSecond: 120, window: 40 });
      const restarts = full ? 12 : 3;
      for (let restart = 0; restart < restarts; restart++) {
        const before = ledger.acks.size;
        await until("acks flow", 30_000, () => ledger.acks.size > before + 50);
        await Bun.sleep(between(50, 400));
        await postgres.crash();
        await Bun.sleep(between(100, 1_500));
        await postgres.start();
      }
      const before = ledger.acks.size;
      await until("acks flow", 30_000, () => ledger.acks.size > before + 50);
      let ended = 0;
      const end = performance.now() + TERMINATE_MS * (full ? 5 : 1);
      while (performance.now() < end) {
        ended += await postgres.terminate(stage.databaseUrl, 0.5);
        await Bun.sleep(between(20, 120));
      }
      load.stop();
      await stage.settled();
      return withMore(await stage.verdict(), `restarts ${restarts}, connections ended ${ended}`, [
        ended === 0 && "no connection was ended: nothing was tested",
      ]);
    }),
};
