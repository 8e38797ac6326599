import type { Batch, Consumer } from "../consumers/consumer.ts";
import { faultOf } from "../errors.ts";
import type { Log } from "../log.ts";
import type { ActiveHook, HookState } from "../store/hooks.ts";
import type { HookReading } from "../store/hookreading.ts";
import { batchBody, wantedOf } from "./payload.ts";
import { isAccepted, type Sending } from "./sending.ts";
import { batchId } from "./signing.ts";

/** How long a room waits after its first failures, in milliseconds; then as long as after the last one. */
const RETRY_MS = [1_000, 5_000, 30_000, 2 * 60_000, 10 * 60_000, 30 * 60_000, 3600_000] as const;
/** A room whose batch has failed for this long pauses the hook, in milliseconds. */
export const PATIENCE_MS = 3 * 24 * 3600_000;
/** How often it looks for changes that nobody told it of, in milliseconds. */
const LOOK_MS = 5_000;
/** How soon it comes back to a room that keeps changing, in milliseconds. */
const PACE_MS = 200;
/** After this many failures in a row, in whatever rooms, the receiver is believed to be away. */
const AWAY_AFTER = 5;

interface ChangesBatch extends Batch {
  readonly after: number;
  /** JSON texts. */
  readonly changes: readonly string[];
}

/** The name of a hook's cursors. */
export const cursorsOf = (hook: string): string => `hook:${hook}`;

interface HookConsumerParts {
  /** The hook as it is now. */
  hook(): ActiveHook;
  readonly reading: HookReading;
  readonly sending: Pick<Sending, "attempt">;
  readonly epoch: string;
  readonly log: Log;
  /** Returns the present time in ISO 8601. */
  now(): string;
  /** The hook is not to be used any more. */
  end(state: Exclude<HookState, "on">, reason: string): Promise<void>;
  /** The receiver was away and is back: its rooms need not wait. */
  back(): Promise<void>;
}

/** Sends what changes in rooms to one hook. Its rooms share nothing but the receiver. */
export function hookConsumer(parts: HookConsumerParts): Consumer<ChangesBatch> {
  const { hook, reading, sending, epoch, log, now, end, back } = parts;
  const { id, rooms } = hook();
  let failures = 0;

  return {
    name: cursorsOf(id),
    label: "hooks",
    rooms,
    isFixed: true,
    lookMs: LOOK_MS,
    paceMs: PACE_MS,
    retryMs: (before, error) =>
      Math.max(
        RETRY_MS[Math.min(before, RETRY_MS.length - 1)] ?? 0,
        error instanceof NotAccepted ? error.waitMs : 0,
      ),
    failed({ room, failures: before }, error) {
      // An attempt that was not accepted is written down.
      if (error instanceof NotAccepted || before > 0) return;
      log.warn(
        { event: "consumer_failed", consumer: "hooks", hook: id, room, fault: faultOf(error) },
        "a batch of a webhook could not be sent; it is tried again, and the room's later changes wait",
      );
    },

    async read({ roomId, room, upto }, after) {
      const batch = await reading.read(roomId, after, upto);
      const changes = wantedOf(hook(), room, after, batch.messages);
      return { ...batch, size: changes.length, changes };
    },

    async handle({ room, failingMs }, { after, upto, changes }) {
      const batch = { room, after, upto };
      const { attempt, waitMs } = await sending.attempt(hook(), {
        webhook: batchId({ hook: id, epoch, ...batch }),
        batch,
        changes: changes.length,
        body: batchBody(batch, changes, now()),
      });
      if (isAccepted(attempt)) {
        const wasAway = failures >= AWAY_AFTER;
        failures = 0;
        if (!wasAway) return;
        log.info({ event: "hook_back", hook: id }, "a webhook accepts what it gets again");
        return back();
      }
      if (++failures === AWAY_AFTER)
        log.warn(
          { event: "hook_failing", hook: id, status: attempt.status },
          "a webhook has not accepted what it got several times in a row; it is tried again for three days",
        );
      if (attempt.status === 410) await end("gone", "The receiver responded with 410.");
      else if (failingMs > PATIENCE_MS)
        await end("paused", `A batch of the room ${room} was not accepted for three days.`);
      throw new NotAccepted(waitMs);
    },
  };
}

class NotAccepted extends Error {
  override readonly name = "NotAccepted";
  /** How long the receiver asks to wait, in milliseconds. */
  constructor(readonly waitMs: number) {
    super();
  }
}
