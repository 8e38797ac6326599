import { until } from "../condition.ts";
import { sentAt, startLoad } from "../load.ts";
import { startProxy } from "../proxy.ts";
import { type Scenario, withMore } from "../scenario.ts";
import { onStage } from "../stage.ts";

const SLOW = 50;
const CALM_MS = 3_000;
/** How long the slow readers stay stalled once they lag. */
const LAGGING_MS = 3_000;
/** The time limit for all slow readers to lag. */
const FILLING_MS = 90_000;
/** The maximum growth of memory: 1 MiB per slow reader, the hard limit of its buffer, plus 100 MiB for the rest. */
const GROWTH_MIB = SLOW + 100;
/** Messages of 27 KB, large enough to fill the system's socket buffers of more than 4 MB per connection. */
const LOAD = { perSecond: 8, window: 50, chars: 9_000, filling: "あ" } as const;
const SENDERS = 4;

/** Fifty readers stop reading in a room under load. The others do not slow down, and the fifty catch up. */
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
          quietMs: FILLING_MS, // so that they do not notice the silence and reconnect
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
        const laggingSockets = () => server.metric("parley_lagging_sockets");
        await until("all slow readers lag", FILLING_MS, async () => {
          if (server.events.has("socket_closed")) throw new Error("the server closed a slow reader's socket");
          return (await laggingSockets()) === SLOW;
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
        await until("the slow readers catch up under load", 60_000, () => {
          peak = Math.max(peak, server.memory());
          return slow.every(({ live }) => live) && lagging() >= SLOW;
        });
        const caughtUp = Math.round(performance.now() - resumed);
        load.stop();
        await stage.settled();
        return withMore(
          await stage.verdict(),
          `delivery ms p50/p95/p99: ${before.join("/")} before, ${meanwhile.join("/")} while ${SLOW} did not read for ${stallMs / 1000} s; ` +
            `each missed at least ${Math.min(...missing)} messages, caught up in ${caughtUp} ms; \`lagging\` frames ${lagging()}; ` +
            `memory ${Math.round(calm)} MiB before, ${Math.round(peak)} MiB at most`,
          [
            lagging() < SLOW && `only ${lagging()} slow readers received \`lagging\``,
            meanwhile[1] > 3 * before[1] + 20 && "delivery to the other readers slowed down",
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
