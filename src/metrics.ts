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
 * Metrics of prom-client that are no use here. For the spaces of V8's heap Bun walks its entire heap, which blocks all
 * deliveries for 10 ms on a small server and 100 ms on a large one. `process_heap_bytes` is not the heap's size. The
 * names of the last three are reserved for counters, and the same numbers exist by type.
 */
const UNFIT = /^(nodejs_heap_space_|process_heap_bytes$|nodejs_active_(resources|handles|requests)_total$)/;

/** The content type of metrics as text. */
export const METRICS_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

export type Metrics = ReturnType<typeof createMetrics>;

/** Creates the metrics: the life of a message, submit → commit → ack → publish → deliver, and obstacles. */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: L[] = []) =>
    new Counter({ name, help, labelNames, registers });
  const tally = (name: string, help: string) => createTally(registry, name, help);
  const tallies = (name: string, help: string, label: string) => createTallies(registry, name, help, label);
  const spread = (name: string, help: string, bounds: number[]) => createSpread(registry, name, help, bounds);
  /** What every process knows of all: the largest counts, not the sum. */
  const shared = <L extends string>(name: string, help: string, labelNames: L[] = []) =>
    new Gauge({ name, help, labelNames, registers, aggregator: "max" });
  const gauge = <L extends string>(name: string, help: string, labelNames: L[] = []) =>
    new Gauge({ name, help, labelNames, registers });

  const consumed = counter("parley_consumed_total", "Changes handled by consumers.", ["consumer"]);
  const consumerFailures = counter(
    "parley_consumer_failures_total",
    "Batches that a consumer could not handle.",
    ["consumer"],
  );
  interface ConsumerState {
    readonly rooms: number;
    readonly ms: number;
  }
  /** Consumers by what they are called. Several may be called the same. */
  const consumers = new Map<string, Set<{ failing: number; state(): ConsumerState }>>();
  /** Registers a consumer. `state` is called on each scrape. */
  const watchConsumer = (consumer: string, state: () => ConsumerState) => {
    const one = { failing: 0, state };
    const all = consumers.getOrInsertComputed(consumer, () => new Set());
    all.add(one);
    return {
      handled: (changes: number) => consumed.inc({ consumer }, changes),
      failed: () => consumerFailures.inc({ consumer }),
      failing: (rooms: number) => void (one.failing = rooms),
      stop: () => void all.delete(one),
    };
  };
  const ofConsumers = (
    name: string,
    help: string,
    value: (all: readonly (ConsumerState & { readonly failing: number })[]) => number,
  ) =>
    new Gauge({
      name,
      help,
      labelNames: ["consumer"],
      registers,
      collect() {
        for (const [consumer, all] of consumers)
          this.set({ consumer }, value([...all].map(({ failing, state }) => ({ failing, ...state() }))));
      },
    });
  ofConsumers(
    "parley_consumer_failing_rooms",
    "Rooms whose latest batch a consumer could not handle.",
    (all) => all.reduce((sum, { failing }) => sum + failing, 0),
  );
  ofConsumers("parley_consumer_waiting_rooms", "Rooms that wait for a consumer.", (all) =>
    all.reduce((sum, { rooms }) => sum + rooms, 0),
  );
  ofConsumers(
    "parley_consumer_lag_seconds",
    "How long the first of them has waited for a consumer.",
    (all) => Math.max(0, ...all.map(({ ms }) => ms)) / 1000,
  );

  return {
    registry,
    submitted: tally("parley_submitted_total", "Messages handed to the committer."),
    acked: tallies("parley_acked_total", "Submissions answered, by outcome.", "outcome"),
    ackSeconds: spread("parley_ack_seconds", "Time from submission to its answer.", SECONDS),
    committed: tally("parley_committed_total", "Messages in committed batches."),
    commitSeconds: spread("parley_commit_seconds", "Duration of one batch's commit.", SECONDS),
    commitBatch: spread(
      "parley_commit_batch",
      "Messages in a batch.",
      [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
    ),
    commitFailures: counter("parley_commit_failures_total", "Failed commits, by kind.", ["kind"]),
    /** Registers the function that returns the depth of the committer's queue, called on each scrape. */
    watchQueue: (depth: () => number) =>
      new Gauge({
        name: "parley_queue_depth",
        help: "Messages submitted but not answered yet.",
        registers,
        collect() {
          this.set(depth());
        },
      }),
    published: tallies("parley_published_total", "Frames published to a room, by format.", "format"),
    delivered: tally("parley_delivered_total", "Frames handed to live sockets."),
    publishSeconds: spread(
      "parley_publish_seconds",
      "Time from a batch's acks to its release to the room.",
      SECONDS,
    ),
    repairs: counter(
      "parley_timeline_repairs_total",
      "Times a room was read from the database to fill a gap.",
    ),
    repairedMessages: counter("parley_timeline_repaired_messages_total", "Messages found by these reads."),
    feeds: gauge("parley_feeds", "Live feeds (one socket in one room each), by format.", ["format"]),
    lagging: gauge("parley_lagging_sockets", "Sockets that read too slowly."),
    sockets: gauge("parley_sockets", "Open sockets."),
    closes: counter("parley_closes_total", "Closed sockets, by close code.", ["code"]),
    refusedUpgrades: counter(
      "parley_refused_upgrades_total",
      "Sockets rejected before they opened, by error.",
      ["code"],
    ),
    forwarded: tallies(
      "parley_forwarded_total",
      "Requests whose forwarded addresses do not fit TRUST_PROXY, by problem.",
      "problem",
    ),
    refusedSockets: gauge(
      "parley_refused_sockets",
      "Refused handshakes of the last 75 s whose sockets were closed with a code.",
    ),
    queryTokens: counter("parley_query_tokens_total", "Sockets whose token came in the URL."),
    busConnected: gauge("parley_bus_connected", "1 while Redis carries news between nodes."),
    busNodes: gauge("parley_bus_nodes", "Other nodes believed to be alive."),
    busPublished: counter("parley_bus_published_total", "Frames published to Redis."),
    busReceived: counter("parley_bus_received_total", "Frames accepted from other nodes."),
    busRefused: counter("parley_bus_refused_total", "Rejected frames, by reason.", ["reason"]),
    busLost: counter("parley_bus_lost_total", "Frames lost because Redis was down or did not accept them."),
    busLag: spread("parley_bus_lag_seconds", "Round trip of a frame through Redis.", SECONDS),
    limitsAlone: counter("parley_limits_alone_total", "Counts that Redis did not accept."),
    securityEvents: tallies("parley_security_events_total", "Events of the security log.", "event"),
    overBudget: tallies(
      "parley_over_budget_total",
      "Commands and requests refused, and frames delayed, because their budget was spent.",
      "budget",
    ),
    faults: counter("parley_faults_total", "Internal errors."),
    badBodies: counter(
      "parley_bad_bodies_total",
      "Bodies of requests that were too large, too slow or incomplete, by error.",
      ["code"],
    ),
    uploads: counter("parley_uploads_total", "Uploads of files, by outcome.", ["outcome"]),
    uploadedBytes: counter("parley_uploaded_bytes_total", "Bytes of files that arrived."),
    filesRemoved: counter(
      "parley_files_removed_total",
      "Files that were removed from where they are stored.",
    ),
    watchConsumer,
    events: tally("parley_events_total", "Events that readers of /events/ got."),
    eventStreams: gauge("parley_event_readers", "Open requests for events."),
    pushes: tallies("parley_pushes_total", "Pushes to devices, by outcome.", "outcome"),
    pushSeconds: spread(
      "parley_push_seconds",
      "Time from when a push was due until the push service took it.",
      [0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 600],
    ),
    files: shared("parley_files", "Files in the database, by state.", ["state"]),
    filesBytes: shared("parley_files_bytes", "Bytes of these files as they were sent, by state.", ["state"]),
    previewSeconds: spread(
      "parley_preview_seconds",
      "Time to make the previews of a picture, waiting included.",
      SECONDS,
    ),
    filesToMove: gauge(
      "parley_files_to_move",
      "Files that are still in FILES_OLD_URL, as far as was looked.",
    ),
    filesMoved: counter("parley_files_moved_total", "Files that were moved from FILES_OLD_URL."),
    hooks: shared("parley_hooks", "Webhooks, by state.", ["state"]),
    hookAttempts: counter("parley_hook_attempts_total", "Requests to webhooks, by outcome.", ["outcome"]),
    messageHook: tallies(
      "parley_message_hook_total",
      "Messages and edits held for MESSAGE_HOOK_URL, by outcome.",
      "outcome",
    ),
    messageHookSeconds: spread(
      "parley_message_hook_seconds",
      "Time of requests to MESSAGE_HOOK_URL, failed ones included.",
      SECONDS,
    ),
    scans: counter("parley_scans_total", "Scans of files by FILE_SCAN_URL, by outcome.", ["outcome"]),
    mails: counter("parley_mails_total", "Attempts to send mails, by outcome.", ["outcome"]),
    mailsWaiting: shared("parley_mails_waiting", "Mails that wait to be sent."),
    mailsWaitingSeconds: shared("parley_mails_waiting_seconds", "Age of the oldest mail that waits."),
    /** Returns the sum of several processes' metrics as text. `all` has the JSON of each registry. */
    merged: (all: readonly (readonly object[])[]): Promise<string> =>
      AggregatorRegistry.aggregate(all as MetricObjectWithValues<MetricValue<string>>[][]).metrics(),
    /** Adds the metrics of this process, such as event loop lag. Not for simulated nodes. */
    collectProcess() {
      collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 100 });
      for (const { name } of registry.getMetricsAsArray())
        if (UNFIT.test(name)) registry.removeSingleMetric(name);
    },
  };
}
