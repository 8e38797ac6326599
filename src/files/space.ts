import type { Clock } from "../clock.ts";
import { Refusal } from "../errors.ts";
import type { Log } from "../log.ts";
import { CLOSING } from "./arrival.ts";
import type { Blobs } from "./blobs.ts";

/** When someone whose upload was refused may try again, in milliseconds. */
const RETRY_MS = 60_000;
/** How long further refusals are not logged, in milliseconds. */
const QUIET_MS = 10 * 60_000;

/** The refusal of an upload for which the server has no room, whoever's it is. */
export const storageFull = (): Refusal => new Refusal("storage_full", { retryAfterMs: RETRY_MS, ...CLOSING });

/** Logs when a place for files is full, and refuses what it cannot store. */
export function watchSpace(blobs: Blobs, clock: Pick<Clock, "monotonic">, log: Pick<Log, "warn">): Blobs {
  let quietUntil = Number.NEGATIVE_INFINITY;
  const warn = () => {
    if (clock.monotonic() < quietUntil) return;
    quietUntil = clock.monotonic() + QUIET_MS;
    log.warn({ event: "storage_full" }, "the disk of FILES_URL has no room: uploads are refused");
  };

  return {
    ...blobs,
    async hasRoom(bytes) {
      const hasRoom = await blobs.hasRoom(bytes);
      if (!hasRoom) warn();
      return hasRoom;
    },
    async write(id, form, parts) {
      try {
        await blobs.write(id, form, parts);
      } catch (error) {
        if (!isFull(error)) throw error;
        warn();
        throw storageFull();
      }
    },
  };
}

const isFull = (error: unknown) => ["ENOSPC", "EDQUOT"].includes((error as { code?: string }).code ?? "");
