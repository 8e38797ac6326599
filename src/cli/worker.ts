import { type Clock, within } from "../clock.ts";
import type { Metrics } from "../metrics.ts";
import type { Channel } from "./command.ts";
import { type FromWorker, type Measured, readFromParent } from "./ipc.ts";

/** How long to wait for the metrics of all workers, in milliseconds. After that, a worker shows its own. */
const PATIENCE_MS = 2_000;

/** A worker's end of the channel to its parent. */
export interface Worker {
  ready(): void;
  /** Resolves when the parent asks for a stop or has ended. */
  untilStop(): Promise<void>;
  /** Returns the sum of all workers' metrics, as text. */
  metrics(): Promise<string>;
}

export function createWorker(parent: Channel, metrics: Metrics, clock: Clock): Worker {
  const wanted = new Map<number, (all: Measured[]) => void>();
  const stop = Promise.withResolvers<void>();
  let lastId = 0;
  const say = (message: FromWorker) => parent.send(message);

  parent.listen((message) => {
    const received = readFromParent(message);
    if (received?.type === "stop") stop.resolve();
    if (received?.type === "all") wanted.get(received.id)?.(received.all);
    if (received?.type === "measure")
      void metrics.registry
        .getMetricsAsJSON()
        .then((measured) => say({ type: "measured", id: received.id, measured }));
  });
  void parent.gone.then(stop.resolve);

  return {
    ready: () => say({ type: "ready" }),
    untilStop: () => stop.promise,
    async metrics() {
      const id = ++lastId;
      const reply = Promise.withResolvers<Measured[]>();
      wanted.set(id, reply.resolve);
      say({ type: "wanted", id });
      let all: Measured[] | undefined;
      await within(
        clock,
        PATIENCE_MS,
        reply.promise.then((found) => (all = found)),
      );
      wanted.delete(id);
      return metrics.merged(all ?? [await metrics.registry.getMetricsAsJSON()]);
    },
  };
}
