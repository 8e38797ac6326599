import { collect, collectRegularly } from "../../src/files/collector.ts";
import type { Pictures } from "../../src/files/pictures.ts";
import type { FileStore, Limits } from "../../src/files/ports.ts";
import { sweep } from "../../src/files/sweep.ts";
import { type Arrival, createUpload, type Uploaded } from "../../src/files/upload.ts";
import type { Clock } from "../../src/clock.ts";
import type { Log } from "../../src/log.ts";
import type { Metrics } from "../../src/metrics.ts";
import type { SimDatabase } from "./database.ts";
import { createPath, type PathOptions } from "./path.ts";
import type { Shelf } from "./shelf.ts";

/** The part of a process that stores files and removes them. */
export interface FileService {
  upload(arrival: Arrival): Promise<Uploaded>;
  /** Removes what nobody needs, as if so much time had passed. Returns how many files are gone. */
  collect(limits: Limits): Promise<number>;
  /** Finds what is stored without a row. Returns how many files there were. */
  sweep(): Promise<number>;
}

interface FileServiceOptions extends PathOptions {
  readonly database: SimDatabase;
  readonly shelf: Shelf;
  fail(sentence: string, detail: string): void;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Larger than anything in a simulation. */
const ANY_SIZE = 1e9;
/** How pictures in the simulation begin: whatever follows counts as pixels, so it is stored as it is. */
export const PNG = "\x89PNG\r\n\x1a\n\x7f\xff\xff\xffIDAT";

/** Decoding is out of the simulation: previews are stored like any other content. */
const pictures: Pictures = {
  async previews(_, read) {
    const bytes = await read();
    const picture = { width: 3, height: 2, placeholder: null };
    return {
      ...picture,
      preview: bytes.slice(0, 9),
      large: bytes.length % 2 ? undefined : bytes.slice(0, 10),
    };
  },
};

/** The real uploads, collector and sweep, on the simulated database and place. */
export function createFileService(options: FileServiceOptions): FileService {
  const { database, shelf, fail, clock, log, metrics, random } = options;
  const { read, write, orRefuse } = createPath(options);
  const { files } = database;
  const store: FileStore = {
    find: (key) => orRefuse(read(() => files.find(key))),
    begin: (attempt) => write(() => files.begin(attempt)),
    keep: (id) => write(() => files.keep(id)),
    complete: (id, content) => write(() => files.complete(id, content)),
    giveUp: (id) => write(() => files.giveUp(id)),
    servable: (id) => orRefuse(read(() => files.servable(id))),
    expire: (limits) => write(() => files.expire(limits)),
    adopt: (ids) => write(() => files.adopt(ids)),
    doomed: () => orRefuse(read(files.doomed)),
    forget: (ids) =>
      write(() => {
        const kept = ids.find((id) => files.wasEverReady(id) && shelf.ids().includes(id));
        if (kept !== undefined) fail("the row of a file was removed before its content", kept);
        files.forget(ids);
      }),
    count: () => Promise.resolve([]),
    postpone: (ids) => write(() => files.postpone(ids)),
  };
  const blobs = shelf.reach(options);
  const parts = { store, blobs, metrics };
  collectRegularly(parts, clock, log);
  const upload = createUpload({
    ...parts,
    pictures,
    clock,
    max: ANY_SIZE,
    quotas: { person: ANY_SIZE, room: ANY_SIZE },
    newId: random.uuid,
  });
  return { upload, collect: (limits) => collect(parts, limits), sweep: () => sweep(parts) };
}
