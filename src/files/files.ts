import { fileURLToPath } from "node:url";
import type { Clock } from "../clock.ts";
import { Refusal } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { type Variant, VARIANTS } from "../protocol/files.ts";
import { createAddresses } from "./addresses.ts";
import type { Blobs, Range } from "./blobs.ts";
import { createBoth } from "./both.ts";
import { countRegularly } from "./counting.ts";
import { collectRegularly } from "./collector.ts";
import { openDisk } from "./disk.ts";
import { moveRegularly } from "./moving.ts";
import { createPictures } from "./pictures.ts";
import type {
  FileStore,
  HeldStore,
  MovingStore,
  Quotas,
  ReceivingStore,
  Sizes,
  StoredFile,
} from "./ports.ts";
import { createResumable, type Resumable } from "./resumable.ts";
import { openS3 } from "./s3.ts";
import { watchSpace } from "./space.ts";
import { sweepRegularly } from "./sweep.ts";
import { createScanner } from "./scanner.ts";
import { createScanning } from "./scanning.ts";
import { createUpload, type Upload } from "./upload.ts";

export { fileName, dispositionOf } from "./names.ts";
export { encodedType } from "./pictures.ts";
export { rangeOf } from "./ranges.ts";
export type { FileStore, StoredFile, UploadKey } from "./ports.ts";
export type { Progress } from "./resumable.ts";

/** Where a file can be loaded, by its form, for a few minutes. */
export interface Offer {
  readonly urls: Readonly<Partial<Record<Variant, string>>>;
  /** When the addresses end, in milliseconds since 1970. */
  readonly endsAt: number;
}

export interface Served {
  readonly file: StoredFile;
  readonly variant: Variant;
  /** Of this form, in bytes. */
  readonly size: number;
  /** When its address ends, in milliseconds since 1970. */
  readonly endsAt: number;
  /** The body of a response. @throws {Refusal} not_found: it has just been removed. */
  body(range?: Range): Promise<Blob | ReadableStream<Uint8Array>>;
}

/** Files in conversations: uploading, serving and collecting them. Who may see a file, `chat/` decides. */
export interface Files {
  /** The largest file, in bytes. */
  readonly max: number;
  readonly upload: Upload;
  /** Uploads over several requests. */
  readonly resumable: Resumable;
  /** Makes addresses for someone who may see a file. */
  offer(id: string, sizes: Sizes): Offer;
  /** Finds what an address leads to. @throws {Refusal} forbidden: the address is wrong or has ended; not_found. */
  serve(id: string, variant: string, query: { readonly exp: string; readonly sig: string }): Promise<Served>;
  /** Keeps everything that is stored now, for a backup, until the returned function is called. */
  keep(): () => void;
  stop(): Promise<void>;
}

interface FilesOptions {
  /** `file:///…` or `s3://…`. */
  readonly url: string;
  /** Where files are that have not moved to `url` yet. */
  readonly oldUrl?: string | undefined;
  /** The origin of addresses. Without it, they have none. */
  readonly origin?: string | undefined;
  readonly key: string;
  readonly store: FileStore;
  readonly receiving: ReceivingStore;
  readonly held: HeldStore;
  readonly moving: MovingStore;
  /** The address of a scanner that has to clear each file. */
  readonly scanUrl?: string | undefined;
  readonly max: number;
  readonly quotas: Quotas;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Opens the place where files are stored. @throws {ConfigError} if the folder cannot be used. */
export async function openFiles({
  url,
  oldUrl,
  moving,
  origin,
  key,
  store,
  receiving,
  held,
  scanUrl,
  clock,
  log,
  metrics,
  ...limits
}: FilesOptions): Promise<Files> {
  const place = await openBlobs(url, clock, log);
  const old = oldUrl === undefined ? undefined : await openBlobs(oldUrl, clock, log);
  const blobs = watchSpace(old ? createBoth(place, old) : place, clock, log);
  const stopMoving = old && moveRegularly({ store: moving, to: place, from: old, metrics }, clock, log);
  const addresses = createAddresses(key, origin);
  const stopCounting = countRegularly(store, metrics, clock);
  const collecting = collectRegularly({ store, blobs, metrics }, clock, log);
  const stopSweeping = sweepRegularly({ store, blobs }, clock, log);
  const scanning =
    scanUrl === undefined
      ? undefined
      : createScanning({ store: held, blobs, scan: createScanner(scanUrl, clock), clock, log, metrics });
  const upload = createUpload({
    ...{ store, blobs, pictures: createPictures(), scanning, clock, metrics },
    ...limits,
  });

  return {
    max: limits.max,
    upload,
    resumable: createResumable({ store, receiving, held, blobs, upload, clock, ...limits }),

    offer(id, sizes) {
      const endsAt = addresses.ending(clock.now());
      const stored = VARIANTS.filter((variant) => sizes[variant] !== undefined);
      return {
        endsAt,
        urls: Object.fromEntries(stored.map((variant) => [variant, addresses.of(id, variant, endsAt)])),
      };
    },

    async serve(id, variant, query) {
      if (!addresses.accepts(id, variant, query, clock.now()))
        throw new Refusal("forbidden", { detail: "This address is wrong or has ended. Ask for a new one." });
      const file = await store.servable(id);
      const form = variant as Variant; // it is signed
      const size = file?.sizes[form];
      if (!file || size === undefined) throw new Refusal("not_found");
      return {
        file,
        variant: form,
        size,
        endsAt: Number(query.exp) * 1000,
        async body(range) {
          const body = await blobs.body(id, form, range);
          if (!body) throw new Refusal("not_found");
          return body;
        },
      };
    },

    keep: collecting.pause,

    async stop() {
      stopCounting();
      collecting.stop();
      stopSweeping();
      await stopMoving?.();
      scanning?.stop();
    },
  };
}

/** Opens a place for files. @throws {ConfigError} if a folder cannot be used. */
export const openBlobs = (url: string, clock: Clock, log: Log): Promise<Blobs> | Blobs =>
  url.startsWith("s3:") ? openS3(url, clock, log) : openDisk(fileURLToPath(url));
