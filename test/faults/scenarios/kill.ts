import { until } from "../condition.ts";
import { startLoad } from "../load.ts";
import { between, type Scenario, withMore } from "../scenario.ts";
import { onStage, type Stage } from "../stage.ts";

const KILLS = { short: 10, full: 30 } as const;

/** The server is killed under load and restarted on the same data. */
async function killUnderLoad(stage: Stage, kills: number) {
  const { server, ledger } = stage;
  const clients = stage.join(8);
  await stage.ready();
  const load = startLoad(clients, { perSecond: 150, window: 40 });
  let unanswered = 0;
  for (let kill = 0; kill < kills; kill++) {
    const before = ledger.acks.size;
    await until("acks flow", 20_000, () => ledger.acks.size > before + 50);
    await Bun.sleep(between(50, 400));
    await server.kill();
    unanswered += ledger.sends.size - ledger.acks.size;
    await server.start();
  }
  load.stop();
  await stage.settled();
  return withMore(await stage.verdict(), `kills ${kills}, changes in flight at the kills ${unanswered}`, [
    unanswered === 0 && "no change was in flight at any kill: nothing was tested",
  ]);
}

export const killOnPostgres: Scenario = {
  name: "kill -9 under load, on Postgres",
  play: ({ postgres, full }) =>
    onStage({ postgres }, (stage) => killUnderLoad(stage, full ? KILLS.full : KILLS.short)),
};

export const killEmbedded: Scenario = {
  name: "kill -9 under load, on the embedded database",
  embedded: true,
  play: ({ full }) => onStage({}, (stage) => killUnderLoad(stage, full ? KILLS.full : KILLS.short)),
};
