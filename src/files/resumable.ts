import type { Clock } from "../clock.ts";
import { Refusal } from "../errors.ts";
import { createPlaces } from "../limits/places.ts";
import { arriving, CLOSING } from "./arrival.ts";
import type { Blobs } from "./blobs.ts";
import { UNSENT_MS } from "./collector.ts";
import { fileName } from "./names.ts";
import type {
  FileStore,
  HeldStore,
  Part,
  Quotas,
  Receiving,
  ReceivingStore,
  StoredFile,
  UploadKey,
} from "./ports.ts";
import { storageFull } from "./space.ts";
import { reused, type Upload } from "./upload.ts";

/** What has arrived is acknowledged, and survives whatever happens, in parts of at most this many bytes. */
const PART = 8 * 1024 * 1024;
/** The most parts of one upload. Connections that break off make smaller ones. */
const PARTS_MAX = 5_000;
/** Requests of one person that bring parts at the same time on this node, and how many more may wait. */
const PLACES = { each: 3, waiting: 30 } as const;

/** What ends an upload that has arrived: it would not become a file if it was tried again. */
const FINAL: ReadonlySet<string> = new Set(["file_rejected", "client_id_reused"]);

/** How far an upload is. */
export interface Progress {
  /** How much has arrived, in bytes. */
  readonly offset: number;
  readonly size: number;
  /** When it is given up if nothing more arrives, in milliseconds since 1970. Undefined: it is complete. */
  readonly endsAt: number | undefined;
  /** What it has become, once it is complete. */
  readonly file: StoredFile | undefined;
}

export interface Piece extends UploadKey {
  /** Where it begins, in bytes. */
  readonly offset: number;
  /** The length that was announced, in bytes. */
  readonly declared: number | undefined;
  readonly body: ReadableStream<Uint8Array> | null;
  /** Called with the size of each part that arrives. */
  arrived(bytes: number): void;
}

/**
 * Uploads over several requests (tus 1.0). Each acknowledged byte survives a power failure. What has arrived completely becomes a file in
 * the same way as an upload in one request.
 */
export interface Resumable {
  /** Begins an upload, or finds the one of this key. @throws {Refusal} those of {@link Upload}. */
  begin(upload: UploadKey & { readonly name: string; readonly size: number }): Promise<Progress>;
  /** Returns how far it is. @throws {Refusal} not_found, file_rejected. */
  progress(key: UploadKey): Promise<Progress>;
  /** Adds what follows `offset`. @throws {Refusal} not_found, wrong_offset, and those of {@link Upload}. */
  append(piece: Piece): Promise<Progress>;
  /** Gives up an upload, or a file that was not sent. @throws {Refusal} not_found; forbidden: it belongs to a message. */
  withdraw(key: UploadKey): Promise<void>;
}

interface ResumableParts {
  readonly store: Pick<FileStore, "find">;
  readonly receiving: ReceivingStore;
  readonly held: Pick<HeldStore, "wasRejected">;
  readonly blobs: Blobs;
  readonly upload: Upload;
  readonly clock: Clock;
  readonly max: number;
  readonly quotas: Quotas;
}

export function createResumable(parts: ResumableParts): Resumable {
  const { store, receiving, held, blobs, upload, clock, max, quotas } = parts;
  const places = createPlaces(PLACES);
  /** Uploads that become files right now, by their ids. */
  const finishing = new Map<string, Promise<Progress>>();

  /** Makes a file of an upload that has arrived completely. */
  async function finish(found: Receiving): Promise<Progress> {
    const { room, userId, clientId, name, size } = found;
    const body = streamOf(contentOf(blobs, found));
    try {
      const { file } = await upload({
        ...{ room, userId, clientId, name, body, hasArrived: true },
        declared: size,
        arrived() {},
      });
      await receiving.end(found.id);
      return complete(file);
    } catch (error) {
      if (error instanceof Refusal && FINAL.has(error.code)) await receiving.end(found.id);
      throw error;
    }
  }

  const finished = (found: Receiving): Promise<Progress> =>
    finishing.getOrInsertComputed(found.id, () => finish(found).finally(() => finishing.delete(found.id)));

  const progressOf = (found: Receiving): Promise<Progress> | Progress =>
    offsetOf(found) < found.size
      ? { offset: offsetOf(found), size: found.size, endsAt: found.at + UNSENT_MS, file: undefined }
      : finished(found);

  /** Stores what arrives in parts. What has arrived before a failure is kept. */
  async function receive(found: Receiving, { declared, body, arrived }: Piece): Promise<Receiving> {
    const left = found.size - offsetOf(found);
    const source = arriving(body, { clock, max: left, declared, arrived });
    let current = found;
    let rest: Uint8Array = NOTHING;
    let failure: { readonly error: unknown } | undefined;
    /** Returns whether there is more. */
    const refill = async () => {
      if (rest.length > 0) return true;
      try {
        const { value } = await source.next();
        rest = value ?? NOTHING;
      } catch (error) {
        failure = { error };
      }
      return rest.length > 0;
    };
    try {
      while (await refill()) {
        if (current.parts.length >= PARTS_MAX) throw new Refusal("quota_exceeded", PIECEMEAL);
        const name = crypto.randomUUID().slice(0, 8);
        let size = 0;
        await blobs.write(
          current.id,
          `part-${name}`,
          (async function* () {
            while (size < PART && (await refill())) {
              const taken = rest.subarray(0, PART - size);
              rest = rest.subarray(taken.length);
              size += taken.length;
              yield taken;
            }
          })(),
        );
        const added = await receiving.add(current, { name, size });
        if (!added) {
          await blobs.discard(current.id, `part-${name}`);
          throw new Refusal("wrong_offset", CLOSING);
        }
        current = added;
      }
      if (failure) throw failure.error;
      return current;
    } finally {
      await source.return(undefined);
    }
  }

  async function found(key: UploadKey): Promise<Receiving | Progress> {
    const one = (await receiving.find(key)) ?? (await store.find(key));
    if (!one) throw new Refusal((await held.wasRejected(key)) ? "file_rejected" : "not_found");
    return "parts" in one ? one : complete(one);
  }

  return {
    async begin({ name, size, ...key }) {
      if (size > max) throw new Refusal("file_too_large");
      const known = await store.find(key);
      if (known && known.size !== size) throw reused();
      if (known) return complete(known);
      // Its parts are there until the file is.
      if (!(await blobs.hasRoom(2 * size))) throw storageFull();
      const begun = await receiving.begin(
        { ...key, id: crypto.randomUUID(), name: fileName(name), size },
        quotas,
      );
      if (begun === "no_room") throw new Refusal("not_found");
      if (begun === "full") throw new Refusal("quota_exceeded");
      if (begun.size !== size) throw reused();
      return progressOf(begun);
    },

    async progress(key) {
      const known = await found(key);
      return "parts" in known ? progressOf(known) : known;
    },

    async append(piece) {
      const known = await found(piece);
      const offset = "parts" in known ? offsetOf(known) : known.offset;
      if (offset !== piece.offset) throw new Refusal("wrong_offset", CLOSING);
      if (!("parts" in known)) return known;
      return progressOf(await places.run(piece.userId, () => receive(known, piece)));
    },

    async withdraw(key) {
      const outcome = await receiving.withdraw(key);
      if (outcome === "none") throw new Refusal("not_found");
      if (outcome === "sent")
        throw new Refusal("forbidden", { detail: "This file was sent. Delete its message instead." });
    },
  };
}

const NOTHING = new Uint8Array();
const PIECEMEAL = {
  detail: "This upload arrived in too many parts. Begin again, and send larger ones.",
} as const;

const sizeOf = (parts: readonly Part[]) => parts.reduce((sum, { size }) => sum + size, 0);
const offsetOf = ({ parts }: Receiving) => sizeOf(parts);

const complete = (file: StoredFile): Progress => ({
  offset: file.size,
  size: file.size,
  endsAt: undefined,
  file,
});

async function* contentOf(blobs: Blobs, { id, parts }: Receiving): AsyncGenerator<Uint8Array> {
  for (const { name } of parts) {
    const body = await blobs.body(id, `part-${name}`);
    if (!body) throw new Refusal("not_found");
    for await (const bytes of body instanceof Blob ? body.stream() : body) yield bytes;
  }
}

const streamOf = (parts: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> =>
  new ReadableStream({
    async pull(controller) {
      const { done, value } = await parts.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: async () => void (await parts.return(undefined)),
  });
