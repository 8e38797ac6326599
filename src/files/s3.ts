import type { Clock } from "../clock.ts";
import { faultOf, Refusal } from "../errors.ts";
import type { Log } from "../log.ts";
import { type Blobs, type Form, idIn } from "./blobs.ts";

/** Each part is in memory until the bucket has it, in bytes; and how many parts may be. */
const PART = 5 * 1024 * 1024;
const PARTS = 2;
const AWAY = "The place where files are stored does not respond. Try again soon.";
const RETRY_MS = 5_000;
/** How long further failures are not logged, in milliseconds. */
const QUIET_MS = 60_000;

/**
 * Keeps files in a bucket: `s3://key:secret@bucket/prefix?endpoint=…&region=…`. Responses stream through this server, because
 * a redirect to the bucket would lose their headers.
 */
export function openS3(address: string, clock: Pick<Clock, "monotonic">, log: Pick<Log, "warn">): Blobs {
  const { username, password, hostname, pathname, searchParams } = new URL(address);
  const bucket = new Bun.S3Client({
    accessKeyId: decodeURIComponent(username),
    secretAccessKey: decodeURIComponent(password),
    bucket: hostname,
    endpoint: searchParams.get("endpoint") ?? undefined,
    region: searchParams.get("region") ?? "us-east-1",
  });
  const prefix = decodeURIComponent(pathname).replace(/^\/+|\/+$/g, "");
  const keyOf = (id: string, form: Form | "") => `${prefix === "" ? "" : `${prefix}/`}${id}.${form}`;

  let quietUntil = 0;
  const away = (error: unknown): never => {
    if (clock.monotonic() >= quietUntil) {
      quietUntil = clock.monotonic() + QUIET_MS;
      log.warn(
        { event: "bucket_failed", fault: faultOf(error) },
        "the bucket of files refused a request or did not respond: check FILES_URL",
      );
    }
    throw new Refusal("unavailable", { detail: AWAY, retryAfterMs: RETRY_MS });
  };

  return {
    hasRoom: () => Promise.resolve(true),

    async write(id, form, parts) {
      const writer = bucket
        .file(keyOf(id, form))
        .writer({ partSize: PART, queueSize: PARTS, retry: 3, type: "application/octet-stream" });
      const sent = async () => void (await writer.flush());
      try {
        for await (const part of parts) {
          writer.write(part);
          await sent().catch(away);
        }
      } catch (error) {
        // Completed, so that no unfinished parts stay in the bucket. Its row says that it is worth nothing.
        await Promise.resolve(writer.end()).catch(() => {});
        throw error;
      }
      await Promise.resolve(writer.end()).catch(away);
    },

    read: (id, form) => bucket.file(keyOf(id, form)).bytes().catch(away) as Promise<Uint8Array<ArrayBuffer>>,

    async body(id, form, range) {
      const file = bucket.file(keyOf(id, form));
      if (!(await file.exists().catch(away))) return undefined;
      return (range ? file.slice(range.first, range.last + 1) : file).stream();
    },

    async remove(id) {
      for (let isMore = true; isMore;) {
        const { contents = [], isTruncated = false } = await bucket.list({ prefix: keyOf(id, "") });
        for (const { key } of contents) await bucket.file(key).delete();
        isMore = isTruncated;
      }
    },

    async *stored() {
      const within = prefix === "" ? "" : `${prefix}/`;
      let token: string | undefined;
      do {
        const page = await bucket
          .list({ prefix: within, ...(token && { continuationToken: token }) })
          .catch(away);
        yield [...new Set((page.contents ?? []).flatMap(({ key }) => idIn(key.slice(within.length)) ?? []))];
        token = page.isTruncated ? page.nextContinuationToken : undefined;
      } while (token);
    },
    discard: (id, form) => bucket.file(keyOf(id, form)).delete(),
  };
}
