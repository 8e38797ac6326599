import { type Clock, tryEvery } from "../clock.ts";
import { Refusal, refusalOf } from "../errors.ts";
import type { Metrics } from "../metrics.ts";
import { createPlaces } from "../limits/places.ts";
import type { Variant } from "../protocol/files.ts";
import { arriving, CLOSING } from "./arrival.ts";
import type { Blobs } from "./blobs.ts";
import { HEAD, isPicture, typeOf } from "./kinds.ts";
import { withoutMetadata } from "./metadata.ts";
import { fileName } from "./names.ts";
import { PICTURE_MAX, type Pictures } from "./pictures.ts";
import type { Content, FileStore, Quotas, StoredFile, UploadKey } from "./ports.ts";
import type { Scanning } from "./scanning.ts";
import { storageFull } from "./space.ts";

/** Uploads of one person at a time on this node, and how many more may wait. */
const PLACES = { each: 3, waiting: 30 } as const;
/** How often an upload shows that it goes on, in milliseconds. */
const SIGN_MS = 60_000;

export interface Arrival extends UploadKey {
  /** As its sender calls it. */
  readonly name: string;
  /** The length that was announced, in bytes. */
  readonly declared: number | undefined;
  readonly body: ReadableStream<Uint8Array> | null;
  /** It has arrived before, over several requests, so it is counted already. */
  readonly hasArrived?: true;
  /** Called with the size of each part that arrives. */
  arrived(bytes: number): void;
}

export interface Uploaded {
  readonly file: StoredFile;
  /** Whether this request has stored it. */
  readonly isNew: boolean;
}

interface UploadParts {
  readonly store: FileStore;
  readonly blobs: Blobs;
  readonly pictures: Pictures;
  /** Undefined: nothing is scanned. */
  readonly scanning?: Pick<Scanning, "firstMs" | "soon"> | undefined;
  readonly clock: Clock;
  readonly max: number;
  readonly quotas: Quotas;
  readonly metrics: Pick<Metrics, "uploads" | "uploadedBytes" | "previewSeconds">;
  /** Returns an id that was never used. */
  newId?(): string;
}

/**
 * Stores a file. Whatever happens to the request or to this process, a row leads to everything that is stored. Once it
 * resolves, the file survives a power failure. A repeat resolves to the same file.
 * @throws {Refusal} file_too_large, quota_exceeded, client_id_reused, not_found: there is no such room; busy; storage_full; file_rejected;
 * and those of
 * {@link arriving}.
 */
export type Upload = (arrival: Arrival) => Promise<Uploaded>;

export function createUpload(parts: UploadParts): Upload {
  const { store, blobs, pictures, scanning, clock, max, quotas, metrics } = parts;
  const { newId = () => crypto.randomUUID() } = parts;
  const places = createPlaces(PLACES);

  /** Reads the body of a repeat, which must be that of the file. */
  async function compare(file: StoredFile, arrival: Arrival): Promise<Uploaded> {
    const { declared } = arrival;
    if (declared !== undefined && declared !== file.size) throw reused();
    const hash = new Bun.CryptoHasher("sha256");
    for await (const part of arriving(arrival.body, { ...arrival, clock, max })) hash.update(part);
    if (hash.digest("hex") !== file.hash) throw reused();
    return { file, isNew: false };
  }

  /** Stores the original, and looks at it on its way. A picture is `readable` if its metadata could be left out. */
  async function receive(id: string, arrival: Arrival): Promise<{ content: Content; readable: boolean }> {
    const hash = new Bun.CryptoHasher("sha256");
    const head = new Uint8Array(HEAD);
    let size = 0;
    let stored = 0;
    let readable = true;
    async function* watched() {
      for await (const part of arriving(arrival.body, { ...arrival, clock, max })) {
        if (size < HEAD) head.set(part.subarray(0, HEAD - size), size);
        hash.update(part);
        size += part.length;
        yield part;
      }
    }
    async function* cleaned() {
      for await (const part of withoutMetadata(watched(), () => (readable = false))) {
        stored += part.length;
        yield part;
      }
    }
    await blobs.write(id, "original", cleaned());
    const type = typeOf(head.subarray(0, Math.min(size, HEAD)));
    const content = { size, hash: hash.digest("hex"), type, picture: null, sizes: { original: stored } };
    return { content, readable };
  }

  /** Adds the forms in which a picture may be shown. What cannot be decoded has none. */
  async function illustrate(id: string, userId: number, content: Content): Promise<Content> {
    if (!isPicture(content.type) || content.size > PICTURE_MAX) return content;
    const begun = clock.monotonic();
    const found = await pictures.previews(userId, () => blobs.read(id, "original"));
    metrics.previewSeconds.observe((clock.monotonic() - begun) / 1000);
    if (!found) return content;
    const { preview, large, ...picture } = found;
    const put = (variant: Variant, bytes: Uint8Array) => blobs.write(id, variant, partsOf(bytes));
    await put("preview", preview);
    if (large) await put("large", large);
    const sizes = { ...content.sizes, preview: preview.length, ...(large && { large: large.length }) };
    return { ...content, picture, sizes };
  }

  /**
   * Gives an attempt up. If it was taken for dead, the collector may have looked for its content before all of that was
   * stored. Returns whether it was still alive. If the database is away too, the collector finds the attempt by its silence.
   */
  async function giveUp(id: string): Promise<boolean> {
    const wasAlive = await store.giveUp(id).catch(() => true);
    if (!wasAlive) await blobs.remove(id);
    return wasAlive;
  }

  /** Waits a moment for the scanner. @throws {Refusal} file_rejected. */
  async function isHeld(id: string, { size }: Content): Promise<boolean> {
    const outcome = (await scanning?.soon({ id, size })) ?? "clean";
    if (outcome === "rejected") throw new Refusal("file_rejected");
    return outcome === "held";
  }

  async function attempt(arrival: Arrival): Promise<Uploaded> {
    const { room, userId, clientId, declared } = arrival;
    const known = await store.find(arrival);
    if (known) return compare(known, arrival);
    const id = newId();
    const name = fileName(arrival.name);
    const size = declared ?? max;
    if (!arrival.hasArrived && !(await blobs.hasRoom(size))) throw storageFull();
    const begun = await store.begin(
      { id, room, userId, clientId, name, size: arrival.hasArrived ? 0 : size },
      quotas,
    );
    if (begun === "no_room") throw new Refusal("not_found");
    if (begun === "full") throw new Refusal("quota_exceeded");
    const stop = tryEvery(
      clock,
      SIGN_MS,
      async () => void (await store.keep(id)),
      () => {},
    );
    let content: Content;
    let done: Awaited<ReturnType<typeof store.complete>>;
    try {
      const received = await receive(id, arrival);
      content = received.readable ? await illustrate(id, userId, received.content) : received.content;
      done = await store.complete(id, content, scanning?.firstMs(content.size));
      if (done === "done")
        return { file: { ...content, id, name, held: await isHeld(id, content) }, isNew: true };
    } catch (error) {
      if (!(await giveUp(id))) throw new Refusal("unavailable");
      throw error;
    } finally {
      stop();
    }
    await giveUp(id);
    const first = done === "taken" ? await store.find(arrival) : undefined;
    if (!first) throw new Refusal("unavailable");
    if (first.hash !== content.hash) throw reused();
    return { file: first, isNew: false };
  }

  const counting = (arrival: Arrival): Arrival => ({
    ...arrival,
    arrived(bytes) {
      if (!arrival.hasArrived) metrics.uploadedBytes.inc(bytes);
      arrival.arrived(bytes);
    },
  });

  return async (arrival) => {
    try {
      if (arrival.declared !== undefined && arrival.declared > max)
        throw new Refusal("file_too_large", CLOSING);
      const uploaded = await places.run(arrival.userId, () => attempt(counting(arrival)));
      metrics.uploads.labels(uploaded.isNew ? (uploaded.file.held ? "held" : "stored") : "repeated").inc();
      return uploaded;
    } catch (error) {
      metrics.uploads.labels(refusalOf(error).code).inc();
      throw error;
    }
  };
}

export const reused = () =>
  new Refusal("client_id_reused", {
    detail: "Another file was uploaded with this clientId. Use a new one.",
    ...CLOSING,
  });

async function* partsOf(bytes: Uint8Array) {
  yield bytes;
}
