import { type Clock, tryEvery, within } from "../clock.ts";
import { runConsumer, type Running } from "../consumers/consumer.ts";
import { faultOf } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { Order } from "../order.ts";
import { TOTAL_MS } from "../outbound/outbound.ts";
import type { CursorStore } from "../store/cursors.ts";
import type { HookReading } from "../store/hookreading.ts";
import { type ActiveHook, HOOK_STATES, type HookState, type HookStore } from "../store/hooks.ts";
import { cursorsOf, hookConsumer } from "./hookconsumer.ts";
import type { Sending } from "./sending.ts";

/** How often this node reads which hooks there are, and removes what is left of others, in milliseconds. */
const REFRESH_MS = 2_000;
const CLEAN_MS = 60_000;
/**
 * How long a node has a room to itself, in milliseconds: a request, and a few seconds for the database. This is how long a room
 * waits if its node dies in the middle of a request.
 */
const LEASE_MS = TOTAL_MS + 5_000;
/** How long requests may go on when the server stops, in milliseconds. */
const STOP_MS = 1_000;

/** The hooks at work on this node. Hooks that are not on have no part in it. */
export interface HooksRunning extends Pick<Running, "changed" | "sweep" | "settled"> {
  /** Reads which hooks there are, because one has changed. */
  refresh(): Promise<void>;
  /** Ends a hook's work in the name of the server. */
  end(hook: string, state: Exclude<HookState, "on">, reason: string): Promise<void>;
  stop(): Promise<void>;
}

export interface HooksRunningParts {
  readonly store: HookStore;
  readonly cursors: CursorStore;
  readonly reading: HookReading;
  readonly sending: Sending;
  /** The database's epoch. */
  readonly epoch: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

const SERVER: Order = { via: "server", actor: "", address: "", reason: "" };

/** Lets each hook that is on follow the rooms with a consumer of its own, so that none waits for another. */
export function runHooks(parts: HooksRunningParts): HooksRunning {
  const { store, cursors, reading, sending, epoch, clock, log, metrics } = parts;
  const running = new Map<string, { hook: ActiveHook; readonly consumer: Running }>();
  const stopping = new Set<Promise<void>>();
  let stopped = false;

  function start(hook: ActiveHook): void {
    const { id } = hook;
    const consumer = hookConsumer({
      hook: () => running.get(id)?.hook ?? hook,
      reading,
      sending,
      epoch,
      log,
      now: () => new Date(clock.now()).toISOString(),
      end: (state, reason) => end(id, state, reason),
      back: () => cursors.hurry(cursorsOf(id)),
    });
    running.set(id, {
      hook,
      consumer: runConsumer(consumer, { cursors, clock, log, metrics, leaseMs: LEASE_MS }),
    });
  }

  function finish(id: string): void {
    const ended = running.get(id)?.consumer.stop();
    running.delete(id);
    if (!ended) return;
    stopping.add(ended);
    void ended.finally(() => stopping.delete(ended));
  }

  async function refresh(): Promise<void> {
    const all = await store.all();
    if (stopped) return;
    const active = new Map(all.filter(({ state }) => state === "on").map((hook) => [hook.id, hook]));
    for (const id of [...running.keys()]) if (!active.has(id)) finish(id);
    for (const [id, hook] of active) {
      const known = running.get(id);
      if (known) known.hook = hook;
      else start(hook);
    }
    for (const state of HOOK_STATES)
      metrics.hooks.labels(state).set(all.filter((hook) => hook.state === state).length);
  }

  async function end(id: string, state: Exclude<HookState, "on">, reason: string): Promise<void> {
    if (!(await store.setState(id, state, reason, SERVER))) return;
    if (state === "gone")
      log.warn(
        { event: "hook_gone", hook: id, reason },
        "the receiver of a webhook does not want it any more",
      );
    else log.warn({ event: "hook_paused", hook: id, reason }, "a webhook gets nothing until it is turned on");
    finish(id);
  }

  const failed = (error: unknown) =>
    log.warn(
      { event: "hooks_unread", fault: faultOf(error) },
      "which webhooks there are could not be read; the next attempt is soon",
    );
  const stops = [
    tryEvery(clock, REFRESH_MS, refresh, failed),
    tryEvery(clock, CLEAN_MS, () => store.clean((id) => cursors.remove(cursorsOf(id))), failed),
  ];
  void refresh().catch(failed);

  return {
    changed(room) {
      for (const { consumer } of running.values()) consumer.changed(room);
    },
    sweep() {
      for (const { consumer } of running.values()) consumer.sweep();
    },
    async settled() {
      await refresh();
      await Promise.all([...running.values()].map(({ consumer }) => consumer.settled()));
    },
    refresh,
    end,
    async stop() {
      stopped = true;
      for (const stop of stops) stop();
      for (const id of [...running.keys()]) finish(id);
      // A receiver that does not respond holds nobody up: its batch comes again when the lease has ended.
      await within(clock, STOP_MS, Promise.all(stopping));
    },
  };
}
