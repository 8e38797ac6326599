import { until } from "../condition.ts";
import { sentAt, startLoad } from "../load.ts";
import { startProxy } from "../proxy.ts";
import { type Scenario, withMore } from "../scenario.ts";
import { onStage } from "../stage.ts";

const SLOW = 50;
const CALM_MS = 3_000;
/** How long they go on not reading once they have been taken off the live feed; and how long that may take. */
const LAGGING_MS = 3_000;
const FILLING_MS = 90_000;
/** Each of the slow may have what is beyond the soft limit waiting, up to the hard one of 1 MiB; and some for the rest. */
const GROWTH_MIB = SLOW + 100;
/** Large enough to fill the system's own buffers first, which take more than 4 MB a connection: 27 KB a message. */
const LOAD = { perSecond: 8, window: 50, chars: 9_000, filling: "あ" } as const;
const SENDERS = 4;

/** Fifty readers stop reading in a room under load: the others do not slow, and the fifty catch up. */
export const slowReaders: Scenario = {
  name: "50 readers stop reading for seconds",
  play: ({ postgres, full }) =>
    onStage({ postgres, env: { MESSAGE_MAX_CHARS: "10000" } }, async (stage) => {
      const { server, ledger } = stage;
      const proxy = startProxy(server.port);
      try {
        let latencies: number[] = [];
        const arrived = ({ content }: { content: string }) =>
          void latencies.push(performance.now() - sentAt(content));
        const senders = stage.join(SENDERS, { arrived });
        stage.join(4, { arrived });
        const slow = stage.join(SLOW, {
          url: () => `http://127.0.0.1:${proxy.port}`,
          quietMs: FILLING_MS, // they would find their own silence and come back
        });
        await stage.ready();
        const load = startLoad(senders, LOAD);
        await Bun.sleep(1_000);
        latencies = [];
        await Bun.sleep(CALM_MS);
        const before = percentiles(latencies);
        const calm = server.memory();
        let peak = 0;
        proxy.stall(1);
        latencies = [];
        const stalled = performance.now();
        const lagging = () => ledger.counts.get("lagging") ?? 0;
        const told = () => server.metric("parley_lagging_sockets");
        await until("all who do not read lag", FILLING_MS, async () => {
          if (server.events.has("socket_closed")) throw new Error("one who does not read was closed");
          return (await told()) === SLOW;
        });
        const end = performance.now() + LAGGING_MS * (full ? 5 : 1);
        while (performance.now() < end) {
          await Bun.sleep(100);
          peak = Math.max(peak, server.memory());
        }
        const stallMs = Math.round(performance.now() - stalled);
        const meanwhile = percentiles(latencies);
        const missing = slow.map(({ copy }) => (senders[0]?.copy.version ?? 0) - copy.version);
        proxy.resume();
        const resumed = performance.now();
        await until("the slow catch up under load", 60_000, () => {
          peak = Math.max(peak, server.memory());
          return slow.every(({ live }) => live) && lagging() >= SLOW;
        });
        const caughtUp = Math.round(performance.now() - resumed);
        load.stop();
        await stage.settled();
        return withMore(
          await stage.verdict(),
          `delivery ms p50/p95/p99: ${before.join("/")} before, ${meanwhile.join("/")} while ${SLOW} did not read for ${stallMs / 1000} s; ` +
            `each missed ${Math.min(...missing)} messages or more, caught up in ${caughtUp} ms; told to lag ${lagging()}; ` +
            `memory ${Math.round(calm)} MiB before, ${Math.round(peak)} MiB at most`,
          [
            lagging() < SLOW && `only ${lagging()} were told that they lag`,
            meanwhile[1] > 3 * before[1] + 20 && "the others slowed",
            peak - calm > GROWTH_MIB && `memory grew by ${Math.round(peak - calm)} MiB`,
          ],
        );
      } finally {
        proxy.stop();
      }
    }),
};

function percentiles(values: readonly number[]): readonly [number, number, number] {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) =>
    Math.round((sorted[Math.floor(sorted.length * share)] ?? Number.NaN) * 10) / 10;
  return [at(0.5), at(0.95), at(0.99)];
}
