import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { Outbound } from "../outbound/outbound.ts";
import type { CursorStore } from "../store/cursors.ts";
import { createHookReading } from "../store/hookreading.ts";
import { createHookStore } from "../store/hooks.ts";
import { createHooks, type Hooks } from "./hooks.ts";
import { type HooksRunning, runHooks } from "./running.ts";
import { createSending } from "./sending.ts";

interface OpenHooksParts {
  readonly database: Parameters<typeof createHookStore>[0];
  readonly cursors: CursorStore;
  /** The database's epoch. */
  readonly epoch: string;
  readonly outbound: Outbound;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Webhooks: what operators decide about them, and their work on this node. */
export function openHooks({ database, cursors, epoch, outbound, clock, log, metrics }: OpenHooksParts) {
  const store = createHookStore(database);
  const reading = createHookReading(database);
  const sending = createSending({ store, outbound, clock, log, metrics });
  const running: HooksRunning = runHooks({ store, cursors, reading, sending, epoch, clock, log, metrics });
  const hooks: Hooks = createHooks({ store, cursors, reading, sending, running, outbound, clock });
  return {
    ...hooks,
    running,
    async stop() {
      await running.stop();
      await sending.stop();
    },
  };
}
