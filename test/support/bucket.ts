/** An object, or the parts of one that is still being uploaded. */
interface Upload {
  readonly key: string;
  readonly parts: Map<number, Uint8Array>;
}

/** A request, as a gate sees it. */
export interface Call {
  readonly method: string;
  readonly key: string;
  readonly phase: "before" | "after";
}

export interface Bucket {
  /** `s3://…`, as `FILES_URL` names it. */
  readonly url: string;
  readonly objects: ReadonlyMap<string, Uint8Array>;
  /** Somebody else puts something there. */
  put(key: string): void;
  /** How many parts of unfinished objects there are. */
  readonly parts: number;
  /** While true, every request is refused. */
  away: boolean;
  /** Holds a request until it resolves: before it is carried out, or before its response is sent. */
  gate: (call: Call) => Promise<unknown> | undefined;
  stop(): void;
}

/** Keys in one page of a list. */
const PAGE = 3;

/** As much of S3 as the server uses: objects with ranges, lists, and uploads in parts. Nobody checks the signatures. */
export function startBucket(): Bucket {
  const objects = new Map<string, Uint8Array>();
  const uploads = new Map<string, Upload>();
  const xml = (text: string) =>
    new Response(`<?xml version="1.0" encoding="UTF-8"?>${text}`, {
      headers: { "content-type": "application/xml" },
    });

  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { method } = request;
      const key = decodeURIComponent(new URL(request.url).pathname).replace(/^\/shelf\//, "");
      await bucket.gate({ method, key, phase: "before" });
      const response = await answer(request, key);
      await bucket.gate({ method, key, phase: "after" });
      return response;
    },
  });

  async function answer(request: Request, key: string): Promise<Response> {
    const { searchParams } = new URL(request.url);
    if (bucket.away) return new Response("<Error><Code>SlowDown</Code></Error>", { status: 503 });
    const id = searchParams.get("uploadId");
    const upload = id === null ? undefined : uploads.get(id);
    switch (request.method) {
      case "PUT": {
        const bytes = await request.bytes();
        if (upload) upload.parts.set(Number(searchParams.get("partNumber")), bytes);
        else objects.set(key, bytes);
        return new Response(null, { headers: { etag: `"${Bun.hash(bytes)}"` } });
      }
      case "POST": {
        if (!upload || id === null) {
          const begun = crypto.randomUUID();
          uploads.set(begun, { key, parts: new Map() });
          return xml(
            `<InitiateMultipartUploadResult><UploadId>${begun}</UploadId></InitiateMultipartUploadResult>`,
          );
        }
        uploads.delete(id);
        const parts = [...upload.parts].sort(([a], [b]) => a - b).map(([, bytes]) => bytes);
        objects.set(upload.key, Buffer.concat(parts));
        return xml(`<CompleteMultipartUploadResult><ETag>"x"</ETag></CompleteMultipartUploadResult>`);
      }
      case "DELETE":
        if (id !== null) uploads.delete(id);
        else objects.delete(key);
        return new Response(null, { status: 204 });
      default: {
        if (searchParams.has("list-type")) {
          const prefix = searchParams.get("prefix") ?? "";
          const after = searchParams.get("continuation-token") ?? "";
          const rest = [...objects.keys()].filter((one) => one.startsWith(prefix) && one > after).sort();
          const keys = rest.slice(0, PAGE);
          const next = rest.length > PAGE ? (keys.at(-1) ?? "") : undefined;
          return xml(
            `<ListBucketResult><KeyCount>${keys.length}</KeyCount><IsTruncated>${next !== undefined}</IsTruncated>${
              next === undefined ? "" : `<NextContinuationToken>${next}</NextContinuationToken>`
            }${keys.map((one) => `<Contents><Key>${one}</Key></Contents>`).join("")}</ListBucketResult>`,
          );
        }
        const bytes = objects.get(key);
        if (!bytes) return new Response("<Error><Code>NoSuchKey</Code></Error>", { status: 404 });
        const headers = { etag: `"${Bun.hash(bytes)}"`, "last-modified": new Date(0).toUTCString() };
        const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") ?? "") ?? [];
        if (first === undefined) return new Response(new Blob([bytes.slice()]), { headers });
        const part = bytes.slice(Number(first), last ? Number(last) + 1 : undefined);
        const range = `bytes ${first}-${Number(first) + part.length - 1}/${bytes.length}`;
        return new Response(new Blob([part]), {
          status: 206,
          headers: { ...headers, "content-range": range },
        });
      }
    }
  }

  const endpoint = encodeURIComponent(`http://127.0.0.1:${server.port}`);
  const bucket: Bucket = {
    url: `s3://key:secret@shelf/some/prefix?endpoint=${endpoint}`,
    objects,
    put: (key) => void objects.set(key, Buffer.from("x")),
    get parts() {
      return uploads.values().reduce((sum, { parts }) => sum + parts.size, 0);
    },
    away: false,
    gate: () => undefined,
    stop: () => void server.stop(true),
  };
  return bucket;
}
