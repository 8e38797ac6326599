import {
  AggregatorRegistry,
  collectDefaultMetrics,
  Counter,
  Gauge,
  type MetricObjectWithValues,
  type MetricValue,
  Registry,
} from "prom-client";
import { createSpread, createTallies, createTally } from "./tally.ts";

const SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];

/**
 * What prom-client collects and Bun does not have: the spaces of V8's heap, for which Bun walks all of its own, some
 * 10 ms for a small server and 100 for a large one in which nobody hears anything; and a size of the heap that is not it.
 */
const UNFIT = /^(nodejs_heap_space_|process_heap_bytes$)/;

/** The content type of metrics as text. */
export const METRICS_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

export type Metrics = ReturnType<typeof createMetrics>;

/** What an operator sees: the life of a message, submit → commit → ack → publish → deliver, and what stands in its way. */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: L[] = []) =>
    new Counter({ name, help, labelNames, registers });
  const tally = (name: string, help: string) => createTally(registry, name, help);
  const tallies = (name: string, help: string, label: string) => createTallies(registry, name, help, label);
  const spread = (name: string, help: string, bounds: number[]) => createSpread(registry, name, help, bounds);
  const gauge = <L extends string>(name: string, help: string, labelNames: L[] = []) =>
    new Gauge({ name, help, labelNames, registers });

  return {
    registry,
    submitted: tally("parley_submitted_total", "Messages handed to the committer."),
    acked: tallies("parley_acked_total", "Submissions answered, by outcome.", "outcome"),
    ackSeconds: spread("parley_ack_seconds", "From submit to its answer.", SECONDS),
    committed: tally("parley_committed_total", "Messages in committed batches."),
    commitSeconds: spread("parley_commit_seconds", "One batch's commit.", SECONDS),
    commitBatch: spread(
      "parley_commit_batch",
      "Messages in a batch.",
      [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
    ),
    commitFailures: counter("parley_commit_failures_total", "Failed commits, by kind.", ["kind"]),
    /** Says where the depth of the committer's queue is read when someone asks. */
    watchQueue: (depth: () => number) =>
      new Gauge({
        name: "parley_queue_depth",
        help: "Messages submitted and not answered yet.",
        registers,
        collect() {
          this.set(depth());
        },
      }),
    published: tallies("parley_published_total", "Frames published to a room, by format.", "format"),
    delivered: tally("parley_delivered_total", "Frames handed to live sockets."),
    publishSeconds: spread(
      "parley_publish_seconds",
      "From a batch's acks to its release to the room.",
      SECONDS,
    ),
    repairs: counter(
      "parley_timeline_repairs_total",
      "Times a room was read from the database to fill a gap.",
    ),
    repairedMessages: counter("parley_timeline_repaired_messages_total", "Messages found by those reads."),
    feeds: gauge("parley_feeds", "Live feeds, a socket in a room each, by format.", ["format"]),
    lagging: gauge("parley_lagging_sockets", "Sockets that do not read fast enough."),
    sockets: gauge("parley_sockets", "Open sockets."),
    closes: counter("parley_closes_total", "Ended sockets, by close code.", ["code"]),
    refusedUpgrades: counter(
      "parley_refused_upgrades_total",
      "Sockets refused before they opened, by error.",
      ["code"],
    ),
    queryTokens: counter("parley_query_tokens_total", "Sockets whose token came in the URL."),
    busConnected: gauge("parley_bus_connected", "1: Redis carries news between nodes."),
    busNodes: gauge("parley_bus_nodes", "Other nodes that are heard of."),
    busPublished: counter("parley_bus_published_total", "Frames published to Redis."),
    busReceived: counter("parley_bus_received_total", "Frames of other nodes taken."),
    busRefused: counter("parley_bus_refused_total", "Frames refused, by reason.", ["reason"]),
    busLost: counter("parley_bus_lost_total", "Frames that Redis was not there for, or did not take."),
    busLag: spread("parley_bus_lag_seconds", "A frame's way to Redis and back.", SECONDS),
    limitsAlone: counter("parley_limits_alone_total", "Counts that Redis did not take."),
    faults: counter("parley_faults_total", "Errors of our own."),
    /** What several processes have measured, each as JSON of its registry, added up, as text. */
    merged: (all: readonly (readonly object[])[]): Promise<string> =>
      AggregatorRegistry.aggregate(all as MetricObjectWithValues<MetricValue<string>>[][]).metrics(),
    /** The process' own figures, event loop lag among them; not for simulated ones. */
    collectProcess() {
      collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 100 });
      for (const { name } of registry.getMetricsAsArray())
        if (UNFIT.test(name)) registry.removeSingleMetric(name);
    },
  };
}
