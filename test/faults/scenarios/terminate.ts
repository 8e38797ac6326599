import { until } from "../condition.ts";
import { startLoad } from "../load.ts";
import { between, type Scenario, withMore } from "../scenario.ts";
import { onStage } from "../stage.ts";

/** What Postgres does during each stop: respond, stall for a while, or stall until the server has exited. */
const STALLS = ["none", "short", "none", "lasting"] as const;
const STALL_MS = 1_500;
const RETRIES = 3;

/**
 * Repeated SIGTERM under load. During some stops Postgres stalls, so that replies are pending while the server drains.
 * Then `/readyz` must return 503, and the server must exit all the same.
 */
export const terminated: Scenario = {
  name: "SIGTERM under load",
  play: ({ postgres, full }) =>
    onStage({ postgres }, async (stage) => {
      const { server, ledger } = stage;
      const clients = stage.join(8);
      await stage.ready();
      const load = startLoad(clients, { perSecond: 100, window: 40 });
      const times: number[] = [];
      const wrong: string[] = [];
      /** What /readyz returned while the server drained, by status; 0: nothing. */
      const ready = new Map<number, number>();
      const isUnready = () => ready.has(503);
      const stops = full ? 12 : 4;
      // A server whose answers have all been given by then drains nothing, and has nothing to report: stop it again.
      for (let stop = 0; stop < stops || (!isUnready() && stop < stops + RETRIES); stop++) {
        const before = ledger.acks.size;
        await until("acks flow", 30_000, () => ledger.acks.size > before + 50);
        await stage.ready();
        await Bun.sleep(between(50, 400));
        const closes = (code: number) => ledger.counts.get(`closed ${code}`) ?? 0;
        const [goingAway, cut] = [closes(4000), closes(1006)];
        const stall = stop < stops ? STALLS[stop % STALLS.length] : "short";
        if (stall !== "none") {
          postgres.freeze();
          await until("replies are pending", 5_000, () => clients.every(({ unanswered }) => unanswered > 2));
        }
        const stopping = server.stop();
        if (stall === "short") {
          const begun = performance.now();
          const lasts = () => performance.now() - begun;
          while (lasts() < STALL_MS || (!isUnready() && lasts() < 3 * STALL_MS)) {
            const status = await server.status("/readyz", 500);
            ready.set(status, (ready.get(status) ?? 0) + 1);
            await Bun.sleep(50);
          }
          postgres.thaw();
        }
        const { code, ms } = await stopping;
        if (stall === "lasting") postgres.thaw();
        times.push(Math.round(ms));
        if (code !== 0) wrong.push(`the server exited with code ${code}`);
        // Sockets that were open then must close with 4000. A handshake during the stop may fail with 1006.
        await until(
          "every socket has closed",
          5_000,
          () => closes(4000) + closes(1006) - goingAway - cut >= clients.length,
        );
        if (closes(4000) - goingAway < clients.length)
          wrong.push(`only ${closes(4000) - goingAway} of ${clients.length} sockets were closed with 4000`);
        await server.start();
      }
      load.stop();
      await stage.settled();
      if (!isUnready()) wrong.push("readyz never returned 503 while the server drained");
      return withMore(
        await stage.verdict(),
        `stops ${times.length}, ms from signal to exit ${times.join(", ")}; readyz while draining ${Array.from(ready, ([status, times]) => `${status} ×${times}`).join(", ")}`,
        wrong,
      );
    }),
};
