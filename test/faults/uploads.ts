import { sql } from "drizzle-orm";
import { systemClock } from "../../src/clock.ts";
import { type Database, rows } from "../../src/db/database.ts";
import { collect } from "../../src/files/collector.ts";
import { openDisk } from "../../src/files/disk.ts";
import { openS3 } from "../../src/files/s3.ts";
import { sweep } from "../../src/files/sweep.ts";
import { createMetrics } from "../../src/metrics.ts";
import { createFileStore } from "../../src/store/files.ts";
import { png } from "../support/pictures.ts";
import { counted } from "./ledger.ts";
import { between } from "./scenario.ts";

/** How long a request may take, in milliseconds. After that it is repeated. */
const REQUEST_MS = 8_000;
/** Until when everything that was begun has to succeed, once everything works again, in milliseconds. */
const SETTLE_MS = 120_000;

export type Bytes = Uint8Array<ArrayBuffer>;
export const hashOf = (bytes: Uint8Array) => new Bun.CryptoHasher("sha256").update(bytes).digest("hex");

/** Bytes that nothing compresses, or a picture. */
export const newBytes = (size: number): Bytes => {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  return bytes;
};
export const newPicture = (): Bytes => png(1 + Math.floor(between(1, 900)), 700);

const codeIn = (text: string) => /"code":"(\w+)"/.exec(text)?.[1] ?? "odd";

/** Refusals of uploads that end by themselves here: the body was cut on its way, or the disk is full. */
const isPassing = (status: number, text: string) =>
  status === 400 || (status === 409 && text.includes("quota_exceeded"));

interface Stored {
  readonly id: string;
  readonly hash: string;
}

export interface UploaderOptions {
  url(): string;
  readonly token: string;
  readonly room: string;
}

/** Someone who uploads files, sends them with messages, and deletes some of these messages, each until it is acknowledged. */
export function createUploader({ url, token, room }: UploaderOptions) {
  /** What was acknowledged, by the id of the file. */
  const stored = new Map<string, string>();
  /** Messages that were acknowledged, with their files. */
  const sent = new Map<number, string>();
  /** Messages whose deletion was asked for. */
  const deleted = new Set<number>();
  const counts = new Map<string, number>();
  const wrong: string[] = [];
  let stopped = false;
  const count = (what: string) => void counts.set(what, (counts.get(what) ?? 0) + 1);

  const request = async (method: string, path: string, body?: Bytes | object) => {
    const isBytes = body instanceof Uint8Array;
    const response = await fetch(url() + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body && !isBytes && { "content-type": "application/json" }),
      },
      ...(body && { body: isBytes ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(REQUEST_MS),
      keepalive: false,
    });
    return { status: response.status, body: await response.bytes() };
  };

  /** Sends a request until it has a final response. `isRetried`: whether one is not that would be elsewhere. */
  const insist = async (
    what: string,
    method: string,
    path: string,
    body?: Bytes | object,
    isRetried: (status: number, text: string) => boolean = () => false,
  ) => {
    const end = performance.now() + SETTLE_MS;
    for (;;) {
      const response = await request(method, path, body).catch(() => undefined);
      const text = response ? Buffer.from(response.body).toString() : "";
      const isFinal = response && response.status < 500 && response.status !== 429 && response.status !== 408;
      if (isFinal && !isRetried(response.status, text)) return response;
      count(response ? `${what} ${codeIn(text)}` : `${what} without a response`);
      if (performance.now() > end)
        throw new Error(
          `${what}: no final response within ${SETTLE_MS / 1000} s, but ${counted(counts)}; last: ${text}`,
        );
      await Bun.sleep(between(20, 120));
    }
  };

  const self = {
    stored,
    sent,
    deleted,
    counts,
    wrong,
    request,
    /** Uploads bytes until that is acknowledged. */
    async upload(bytes: Bytes, clientId: string = crypto.randomUUID()): Promise<Stored> {
      const path = `/rooms/${room}/files/${clientId}/?name=a.bin`;
      const { status, body } = await insist("upload", "PUT", path, bytes, isPassing);
      if (status !== 200 && status !== 201)
        throw new Error(`an upload was refused: ${status} ${Buffer.from(body)}`);
      const { id, size } = JSON.parse(Buffer.from(body).toString()) as { id: string; size: number };
      if (size !== bytes.length) wrong.push(`an upload of ${bytes.length} bytes was acknowledged as ${size}`);
      const hash = hashOf(bytes);
      stored.set(id, hash);
      count("uploaded");
      return { id, hash };
    },
    async send(file: string, clientId: string = crypto.randomUUID()): Promise<number> {
      const message = { content: "", clientId, files: [{ id: file }] };
      const { status, body } = await insist("message", "POST", `/rooms/${room}/messages/`, message);
      if (status >= 300) throw new Error(`a message with a file was refused: ${status} ${Buffer.from(body)}`);
      const { id } = JSON.parse(Buffer.from(body).toString()) as { id: number };
      sent.set(id, file);
      count("sent");
      return id;
    },
    async remove(message: number): Promise<void> {
      deleted.add(message);
      const path = `/rooms/${room}/messages/${message}/?clientId=${crypto.randomUUID()}`;
      const { status } = await insist("deletion", "DELETE", path);
      if (status >= 300) wrong.push(`a deletion was refused: ${status}`);
      count("deleted");
    },
    /** Loads a file whose message is there, and compares it. */
    async load(file: string): Promise<void> {
      const offered = await request("GET", `/rooms/${room}/files/?ids=${file}`).catch(() => undefined);
      if (offered?.status !== 200) return;
      const [found] = JSON.parse(Buffer.from(offered.body).toString()) as { urls: { original: string } }[];
      if (!found) return void wrong.push(`the file ${file} is not offered`);
      const loaded = await request("GET", found.urls.original).catch(() => undefined);
      if (loaded?.status !== 200) return;
      count("loaded");
      if (hashOf(loaded.body) !== stored.get(file))
        wrong.push(`the file ${file} was loaded with other bytes`);
    },
    /** Uploads, sends, loads and deletes, one after another, until `stop`. */
    async play(): Promise<void> {
      while (!stopped) {
        const bytes = Math.random() < 0.25 ? newPicture() : newBytes(Math.floor(between(0, 10) ** 5));
        const { id } = await self.upload(bytes);
        if (Math.random() < 0.2) continue;
        const message = await self.send(id);
        if (Math.random() < 0.5) await self.load(id);
        if (Math.random() < 0.3) await self.remove(message);
      }
    },
    stop: () => void (stopped = true),
  };
  return self;
}

export type Uploader = ReturnType<typeof createUploader>;

interface FileRow {
  readonly id: string;
  readonly state: string;
  readonly hash: string;
  readonly messageId: number | null;
}

/**
 * Compares what was acknowledged with what is stored, then collects, and looks for what is left over. `place`: a folder, or the
 * address of a bucket.
 */
export async function judgeFiles(
  database: Database,
  place: string,
  uploaders: readonly Uploader[],
): Promise<{ readonly wrong: readonly string[]; readonly counts: string }> {
  const wrong = uploaders.flatMap((uploader) => uploader.wrong);
  const blobs = place.startsWith("s3:") ? openS3(place, systemClock, { warn() {} }) : await openDisk(place);
  const store = createFileStore(database);
  const query = <T>(statement: ReturnType<typeof sql>) => database.run((orm) => rows<T>(orm, statement));
  const read = () =>
    query<FileRow>(sql`select id::text as id, state, hash, message_id::float8 as "messageId" from files`);
  const isKept = ({ state }: FileRow) => state === "ready" || state === "attached";

  const before = await read();
  const orphans = await sweep({ store, blobs });
  if (orphans > 0) wrong.push(`${orphans} files are stored without a row`);
  // What was begun and never acknowledged, or not sent, is old by now.
  const limits = { silentMs: -1_000, unsentMs: 1e12, strayMs: 1e12 };
  let collected = 0;
  for (let gone = -1; gone !== 0; collected += gone)
    gone = await collect({ store, blobs, metrics: createMetrics() }, limits);
  const after = new Map((await read()).map((row) => [row.id, row]));

  for (const row of after.values()) {
    if (!isKept(row)) wrong.push(`the row ${row.id} stays ${row.state}`);
    const bytes = await blobs.read(row.id, "original").catch(() => undefined);
    if (!bytes || hashOf(bytes) !== row.hash)
      wrong.push(`the file ${row.id} is ${bytes ? "not whole" : "gone"}`);
  }
  for await (const ids of blobs.stored())
    for (const id of ids)
      if (!after.has(id)) wrong.push(`${id} is stored after the collection, and nobody needs it`);

  for (const { stored, sent, deleted } of uploaders) {
    const dropped = new Set([...deleted].map((message) => sent.get(message)));
    for (const [id, hash] of stored)
      if (!dropped.has(id) && after.get(id)?.hash !== hash)
        wrong.push(`the acknowledged upload ${id} is lost`);
    for (const [message, id] of sent)
      if (!deleted.has(message) && after.get(id)?.messageId !== message)
        wrong.push(`the acknowledged message ${message} does not have its file`);
  }
  const named = await query<{ id: number; files: string }>(
    sql`select id::float8 as id, files from messages where files is not null`,
  );
  for (const { id, files } of named)
    for (const file of JSON.parse(files) as { id: string }[])
      if (after.get(file.id)?.messageId !== id)
        wrong.push(`message ${id} points to ${file.id}, which is not its file`);

  const sums = new Map<string, number>();
  for (const { counts } of uploaders)
    for (const [what, times] of counts) sums.set(what, (sums.get(what) ?? 0) + times);
  const halfway = before.filter((row) => !isKept(row)).length;
  return {
    wrong: wrong.slice(0, 20),
    counts: `files: ${counted(sums)}; begun or doomed at the end ${halfway}, collected ${collected}, kept ${after.size}`,
  };
}
