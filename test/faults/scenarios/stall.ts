import { until } from "../condition.ts";
import { startLoad } from "../load.ts";
import { type Scenario, withMore } from "../scenario.ts";
import { onStage } from "../stage.ts";

const STALL_MS = 10_000;
/** How long callers of /readyz share one probe's result, with a margin. */
const SHARED_MS = 1_500;
/** The time in which the flood fills the queue. */
const FILLING_MS = 4_000;
/** The maximum growth of memory once the queue is full, which allows for noise only. */
const GROWTH_MIB = 64;
/** Enough to reach the limit of the queue: 40 × 250 × 4,000 characters. */
const FLOOD = { sockets: 40, window: 250, chars: 4_000 } as const;

/** Postgres neither responds nor refuses connections for ten seconds, while some clients chat and others flood. */
export const databaseStalls: Scenario = {
  name: "Postgres stalled for 10 s",
  play: ({ postgres, full }) =>
    onStage({ postgres }, async (stage) => {
      const { server, ledger } = stage;
      const chatting = stage.join(6);
      const flooding = stage.join(FLOOD.sockets, { room: "flood", sendOnly: true });
      await stage.ready();
      const loads = [startLoad(chatting, { perSecond: 20, window: 50 })];
      await until("acks flow", 10_000, () => ledger.acks.size > 100);

      const lines: string[] = [];
      const wrong: (string | false)[] = [];
      for (let stall = 0; stall < (full ? 3 : 1); stall++) {
        const calm = server.memory();
        postgres.freeze();
        const begun = performance.now();
        const flood = startLoad(flooding, { perSecond: 100, window: FLOOD.window, chars: FLOOD.chars });
        const stalledFor = () => performance.now() - begun;
        const statuses = { healthz: new Map<number, number>(), readyz: new Map<number, number>() };
        let unreadyAfter = Number.NaN;
        const watch = async (page: keyof typeof statuses) => {
          while (stalledFor() < STALL_MS - 100) {
            const status = await server.status(`/${page}`);
            // A response after the thaw says nothing about the stall.
            if (stalledFor() > STALL_MS) return;
            statuses[page].set(status, (statuses[page].get(status) ?? 0) + 1);
            if (status === 503) unreadyAfter ||= stalledFor();
            await Bun.sleep(100);
          }
        };
        let filled = 0;
        let peak = 0;
        const weigh = async () => {
          for (; stalledFor() < STALL_MS; await Bun.sleep(100)) {
            if (stalledFor() < FILLING_MS) filled = Math.max(filled, server.memory());
            peak = Math.max(peak, server.memory());
          }
        };
        await Promise.all([watch("healthz"), Bun.sleep(SHARED_MS).then(() => watch("readyz")), weigh()]);
        flood.stop();
        postgres.thaw();
        await until(
          "the server is ready again",
          10_000,
          async () => (await server.status("/readyz")) === 200,
        );
        const back = stalledFor() - STALL_MS;
        const listed = (page: keyof typeof statuses) =>
          `${page} ${[...statuses[page]].map(([status, times]) => `${status} ×${times}`).join(", ")}`;
        const mib = (value: number) => `${Math.round(value)} MiB`;
        lines.push(
          `memory ${mib(calm)} before, ${mib(filled)} once full, ${mib(peak)} at most; ${listed("healthz")}; ` +
            `${listed("readyz")}, first after ${Math.round(unreadyAfter)} ms, 200 again ${Math.round(back)} ms after the end`,
        );
        wrong.push(
          [...statuses.healthz.keys()].some((status) => status !== 200) && "healthz was not 200 all the time",
          [...statuses.readyz.keys()].some((status) => status !== 503) && "readyz was not 503 all the time",
          peak - filled > GROWTH_MIB && `memory grew by ${mib(peak - filled)} after the queue was full`,
        );
        await until("at least half of each window is acknowledged", 60_000, () =>
          [...chatting, ...flooding].every(({ unanswered }) => unanswered < FLOOD.window / 2),
        );
      }
      for (const load of loads) load.stop();
      await stage.settled();
      wrong.push(
        !ledger.counts.get("unavailable") && "no client received `unavailable`",
        !ledger.counts.get("busy") && "no client received `busy`",
      );
      return withMore(await stage.verdict(), lines.join("\n    "), wrong);
    }),
};
