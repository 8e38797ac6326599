import { type Clock, tryEvery } from "../clock.ts";
import { faultOf } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { type Variant, VARIANTS } from "../protocol/files.ts";
import type { Blobs } from "./blobs.ts";
import type { MovingStore } from "./ports.ts";

/** How often a node looks whether there is something to move, in milliseconds. */
const INTERVAL_MS = 10_000;
/** How long one node moves before another may take over, if it does not say that it goes on; and how often it says so. */
const LEASE_MS = 120_000;
const RENEW_MS = 30_000;

export interface MovingParts {
  readonly store: MovingStore;
  /** Where files go, and where they are. */
  readonly to: Blobs;
  readonly from: Blobs;
  readonly metrics: Pick<Metrics, "filesToMove" | "filesMoved">;
}

/** Another node has taken over. */
const lost = () => new Error("another process moves the files now");

/**
 * Moves files from one place to another while people use them. Each is copied, read again and compared, and only then
 * removed from where it was, so a crash at any point loses nothing: the next pass begins its file anew. One node moves at a
 * time. Returns how many files stay for now, because they are still being uploaded; undefined if another node moves.
 */
export async function move(
  { store, to, from, metrics }: MovingParts,
  holder: string,
): Promise<number | undefined> {
  const hold = async () => {
    if (!(await store.hold(holder, LEASE_MS))) throw lost();
  };
  if (!(await store.hold(holder, LEASE_MS))) return undefined;
  let staying = 0;
  for await (const ids of from.stored()) {
    const files = await store.movable(ids);
    metrics.filesToMove.set(files.length + staying);
    for (const { id, isComplete } of files) {
      if (!isComplete) {
        staying++;
        continue;
      }
      const forms: Variant[] = [];
      for (const form of VARIANTS) if (await copy(id, form)) forms.push(form);
      await hold();
      // It may have been removed from both places meanwhile, and the copy written after that.
      if ((await store.movable([id])).length === 0) await to.remove(id);
      else for (const form of forms) await from.discard(id, form);
      metrics.filesMoved.inc();
    }
  }
  metrics.filesToMove.set(staying);
  return staying;

  /** Returns whether there was something to copy. */
  async function copy(id: string, form: Variant): Promise<boolean> {
    const body = await from.body(id, form);
    if (!body) return false;
    await hold();
    await to.discard(id, form); // what a copy that broke off has left
    const hash = new Bun.CryptoHasher("sha256");
    await to.write(
      id,
      form,
      (async function* () {
        for await (const part of partsOf(body)) {
          hash.update(part);
          yield part;
        }
      })(),
    );
    const written = new Bun.CryptoHasher("sha256");
    const copied = await to.body(id, form);
    if (copied) for await (const part of partsOf(copied)) written.update(part);
    if (hash.digest("hex") !== written.digest("hex")) throw new Error(`the copy of ${id}.${form} differs`);
    return true;
  }
}

const partsOf = (body: Blob | ReadableStream<Uint8Array>) => (body instanceof Blob ? body.stream() : body);

/** Moves for as long as this node runs. Returns a function that stops it, and lets another node go on. */
export function moveRegularly(parts: MovingParts, clock: Clock, log: Log): () => Promise<void> {
  const holder = crypto.randomUUID();
  let isDone = false;
  const work = async () => {
    const stop = tryEvery(
      clock,
      RENEW_MS,
      async () => void (await parts.store.hold(holder, LEASE_MS)),
      () => {},
    );
    try {
      const staying = await move(parts, holder);
      if (staying === 0 && !isDone)
        log.info({ event: "files_moved" }, "all files were moved: FILES_OLD_URL is not needed any more");
      isDone = staying === 0;
    } finally {
      stop();
    }
  };
  const stop = tryEvery(clock, INTERVAL_MS, work, (error) =>
    log.warn(
      { event: "files_not_moved", fault: faultOf(error) },
      "files could not be moved from FILES_OLD_URL; they can be loaded from there, and the next attempt is in a few seconds",
    ),
  );
  return async () => {
    stop();
    await parts.store.hold(holder, 0).catch(() => false);
  };
}
