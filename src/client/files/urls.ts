import { abortable } from "../abort.ts";
import type { Address } from "../address.ts";
import { deferred } from "../deferred.ts";
import { shape } from "../frames.ts";
import { listIn, roomPath } from "../page.ts";
import type { Clock } from "../ports.ts";
import type { Request } from "../session.ts";

/** The addresses of a file. Anyone who has one can load the file until `endsAt`. */
export interface FileUrls {
  readonly id: string;
  /** ISO 8601. */
  readonly endsAt: string;
  /** The file itself: a download that no browser shows as a page. */
  readonly original: string;
  /** Of a picture: at most 720 pixels on the longer side. */
  readonly preview?: string | undefined;
  /** Of a larger picture: at most 2,048 pixels on the longer side. */
  readonly large?: string | undefined;
}

export interface FilesQuery {
  /** Asks the server again, because an address did not work. */
  readonly fresh?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How many ids one request may have. */
const MOST = 50;
/** How long an address is given out after it was requested. It works for at least 5 minutes. In milliseconds. */
const FRESH_MS = 4 * 60_000;

interface Known {
  readonly urls: Promise<FileUrls | undefined>;
  /** By the monotonic clock, which may stop while the device sleeps, and by the wall clock, which may jump. */
  readonly at: number;
  readonly wall: number;
}

interface Options {
  readonly room: string;
  readonly address: Address;
  readonly repeat: Request;
  readonly clock: Clock;
}

/** The addresses of the files of a room: requested in batches, and cached. */
export function createUrls({ room, address, repeat, clock }: Options) {
  const known = new Map<string, Known>();
  /** Ids that the next request asks for. */
  let wanted = new Map<string, ReturnType<typeof deferred<FileUrls | undefined>>>();

  const isFresh = ({ at, wall }: Known) =>
    clock.monotonic() - at < FRESH_MS && Math.abs(clock.now() - wall) < FRESH_MS;

  const absolute = (url: unknown) =>
    typeof url === "string" ? new URL(url.replace(/^\//, ""), address.base).href : undefined;

  const ask = async (batch: typeof wanted) => {
    try {
      const path = `${roomPath(room, "files")}?ids=${[...batch.keys()].join(",")}`;
      const { body } = await repeat("GET", path);
      for (const { id, endsAt, urls } of listIn(body).filter(isAddressed) as unknown as Addressed[]) {
        const [original, preview, large] = [urls.original, urls.preview, urls.large].map(absolute);
        if (original) batch.get(id)?.resolve({ id, endsAt, original, preview, large });
      }
      // The person may not see the others, at least not yet.
      for (const [id, { resolve }] of batch) {
        resolve(undefined);
        if (!(await known.get(id)?.urls)) known.delete(id);
      }
    } catch (error) {
      for (const [id, { reject }] of batch) {
        known.delete(id);
        reject(error);
      }
    }
  };

  const flush = () => {
    const all = [...wanted];
    wanted = new Map();
    for (let at = 0; at < all.length; at += MOST) void ask(new Map(all.slice(at, at + MOST)));
  };

  const find = (id: string, fresh: boolean | undefined) => {
    const old = known.get(id);
    if (old && !fresh && isFresh(old)) return old.urls;
    const waiting = wanted.get(id);
    if (waiting) return waiting.promise;
    if (wanted.size === 0) clock.after(0, flush);
    const one = deferred<FileUrls | undefined>();
    wanted.set(id, one);
    known.set(id, { urls: one.promise, at: clock.monotonic(), wall: clock.now() });
    return one.promise;
  };

  return async (ids: readonly string[], { fresh, signal }: FilesQuery = {}) => {
    for (const [id, old] of known) if (!isFresh(old)) known.delete(id);
    const found = await abortable(Promise.all(ids.map((id) => find(id, fresh))), signal);
    return new Map(found.flatMap((urls) => (urls ? [[urls.id, urls] as const] : [])));
  };
}

interface Addressed {
  readonly id: string;
  readonly endsAt: string;
  readonly urls: Readonly<Record<string, unknown>>;
}
const isAddressed = shape("id endsAt urls:object");
