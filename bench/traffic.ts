import type { Contender, Kind } from "./contender.ts";
import type { Crew } from "./crew.ts";
import { histogramPercentile } from "./load/histogram.ts";
import type { Counts, Pace, Protocol, Seat } from "./load/orders.ts";
import type { Measured } from "./scenario.ts";
import type { Stage } from "./stage.ts";
import { readSteps, stepsBetween } from "./trace.ts";

/** Share of a core from which a process counts as saturated. */
const SATURATED = 0.9;
const PARALLEL = 200;
/** Wait after opening plain sockets: the plain protocol does not announce when a socket is live. */
const PLAIN_MS = 500;

export interface TrafficOptions {
  readonly seats: readonly Seat[];
  readonly protocol: Protocol;
  readonly pace: Pace;
  /** SQL to run before the server starts. */
  readonly also?: readonly string[];
  /** Further settings of Parley. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Prepares the server. */
  prepare?(server: Contender): Promise<unknown>;
  /** Length of the warm-up and of the measurement, in seconds. */
  readonly warmS: number;
  readonly measureS: number;
}

/** Opens the sockets, starts the senders, measures after the warm-up, and verifies that every message arrived. */
export function measureTraffic(stage: Stage, kind: Kind, options: TrafficOptions): Promise<Measured> {
  const { also = [], settings = {}, prepare, seats, protocol, pace, warmS, measureS } = options;
  return stage.play({ kind, also, settings }, async (server, crew) => {
    await prepare?.(server);
    await openSockets(crew, server, protocol, seats);
    await crew.all({ do: "talk", pace });
    await Bun.sleep(warmS * 1000);
    const isTraced = stage.trace && kind === "parley";
    const before = isTraced && (await readSteps(server));
    const measured = await measureInterval(server, crew, measureS);
    const steps = before && stepsBetween(before, await readSteps(server));
    const problems = await crew.settle();
    return { ...measured, figures: { ...measured.figures, ...steps }, problems };
  });
}

/** Opens sockets at a server. Ids must be consecutive in a room, except on the server that inserts each message separately. */
export async function openSockets(
  crew: Crew,
  { kind, port }: Contender,
  protocol: Protocol,
  seats: readonly Seat[],
  overMs = 0,
): Promise<{ openMs: number; liveMs: number }> {
  const took = await crew.dial({
    port,
    protocol,
    ordered: kind !== "insert",
    seats,
    parallel: PARALLEL,
    overMs,
  });
  if (protocol === "plain") await Bun.sleep(PLAIN_MS);
  return took;
}

/** Measures for this many seconds while the senders continue. */
export async function measureInterval(
  server: Contender,
  crew: Crew,
  seconds: number,
): Promise<Omit<Measured, "problems">> {
  await crew.mark();
  const before = { at: performance.now(), server: server.cpuSeconds(), load: crew.cpuSeconds() };
  await Bun.sleep(seconds * 1000);
  const serverCpu = server.cpuSeconds() - before.server;
  const loadCpu = crew.cpuSeconds() - before.load;
  const took = (performance.now() - before.at) / 1000;
  const counts = await crew.mark();
  const serverBusy = serverCpu / took;
  const loadBusy = loadCpu / took / crew.size;
  return {
    figures: {
      ...latencies(counts),
      messagesPerSecond: counts.acked / took,
      deliveriesPerSecond: counts.delivered / took,
      cpuPerMessage: (serverCpu / counts.acked) * 1e6,
      cpuPerDelivery: (serverCpu / counts.delivered) * 1e6,
      loadCpuPerDelivery: (loadCpu / counts.delivered) * 1e6,
      serverBusy,
      loadBusy,
      lagging: counts.lagging,
    },
    notes:
      loadBusy >= SATURATED && serverBusy < SATURATED
        ? [
            `the load used ${percent(loadBusy)} and the ${server.kind} server ${percent(serverBusy)}: the load may have been the bottleneck`,
          ]
        : [],
  };
}

export const latencies = ({ ack, delivery, last }: Pick<Counts, "ack" | "delivery" | "last">) => ({
  ackP50: histogramPercentile(ack, 0.5),
  ackP99: histogramPercentile(ack, 0.99),
  p50: histogramPercentile(delivery, 0.5),
  p99: histogramPercentile(delivery, 0.99),
  lastP50: histogramPercentile(last, 0.5),
  lastP99: histogramPercentile(last, 0.99),
});

const percent = (share: number) => `${Math.round(share * 100)} % of a core`;
