import { startLoad } from "../load.ts";
import { startProxy } from "../proxy.ts";
import { between, type Scenario, withMore } from "../scenario.ts";
import { onStage } from "../stage.ts";

const CUTTING_MS = 8_000;

/** Sockets are cut, stalled and delayed at random. Clients with a silent socket give it up and reconnect. */
export const socketsCut: Scenario = {
  name: "sockets cut, stalled and delayed at random",
  play: ({ postgres, full }) =>
    onStage({ postgres }, async (stage) => {
      const proxy = startProxy(stage.server.port);
      try {
        const url = () => `http://127.0.0.1:${proxy.port}`;
        const clients = [...stage.join(10, { url, quietMs: 700 }), ...stage.join(2)];
        await stage.ready();
        const load = startLoad(clients, { perSecond: 40, window: 40 });
        let cut = 0;
        let stalled = 0;
        const end = performance.now() + CUTTING_MS * (full ? 6 : 1);
        while (performance.now() < end) {
          await Bun.sleep(between(20, 250));
          const fault = Math.random();
          if (fault < 0.6) cut += proxy.cut(0.3);
          else if (fault < 0.75) stalled += proxy.stall(0.3);
          else if (fault < 0.85) proxy.resume();
          else proxy.delay(Math.random() < 0.5 ? 0 : between(1, 80));
        }
        proxy.resume();
        proxy.delay(0);
        load.stop();
        await stage.settled();
        return withMore(await stage.verdict(), `sockets cut ${cut}, stalled ${stalled}`, [
          cut < 20 && "fewer than 20 sockets were cut: nothing was tested",
        ]);
      } finally {
        proxy.stop();
      }
    }),
};
