import { PGlite, types } from "@electric-sql/pglite";
import fsBundle from "../../node_modules/@electric-sql/pglite/dist/pglite.data" with { type: "file" };
import initdbWasm from "../../node_modules/@electric-sql/pglite/dist/initdb.wasm" with { type: "file" };
import pgliteWasm from "../../node_modules/@electric-sql/pglite/dist/pglite.wasm" with { type: "file" };
import { DataFS } from "./data-fs.ts";
import { isFull } from "./disk.ts";
import { requireDurable, START_PARAMS } from "./durability.ts";
import type { Answer, Panic, Request } from "./pglite-calls.ts";
import { SESSION } from "./settings.ts";

declare const self: Worker;

/** SQLSTATEs (PostgreSQL, appendix A). */
const READ_ONLY = "25006";
const DISK_FULL = "53100";

// Drizzle expects these as text. Its own parsers are functions, which cannot be posted to this thread.
const AS_TEXT = [
  types.TIMESTAMP,
  types.TIMESTAMPTZ,
  types.INTERVAL,
  types.DATE,
  1231,
  1115,
  1185,
  1187,
  1182,
];
const parsers = Object.fromEntries(AS_TEXT.map((type) => [type, (text: string) => text]));

// By default PGlite's decoder would drop a leading U+FEFF from a text as a byte order mark.
globalThis.TextDecoder = class extends TextDecoder {
  constructor(label?: string, options?: TextDecoderOptions) {
    super(label, { ignoreBOM: true, ...options });
  }
} as typeof TextDecoder;

let database: PGlite | undefined;
let folder: string | undefined;
let inTransaction = false;
let diskIsFull = false;

const compile = async (path: string) => WebAssembly.compile(await Bun.file(path).arrayBuffer());

async function open(dataDir: string | undefined): Promise<void> {
  const [pgliteWasmModule, initdbWasmModule] = await Promise.all([compile(pgliteWasm), compile(initdbWasm)]);
  const files = dataDir === undefined ? undefined : await DataFS.prepare(dataDir, stop);
  database = await PGlite.create({
    ...(files && { fs: files, startParams: [...START_PARAMS] }),
    pgliteWasmModule,
    initdbWasmModule,
    fsBundle: Bun.file(fsBundle),
    parsers,
    onStderr(line) {
      reason = PANIC.exec(line)?.[1] ?? reason;
      return false;
    },
  });
  folder = dataDir;
  for (const [name, value] of Object.entries(SESSION)) await database.exec(`set ${name} = '${value}'`);
  if (files) await requireDurable(database, files);
}

/** A line of Postgres's log that says why it panics or exits. */
const PANIC = /(?:PANIC|FATAL): +(.*)/;
let reason: string | undefined;

/**
 * Ends this thread's work for ever. After a panic or a trap, PGlite would run in a circle and never answer. `what` is the
 * WebAssembly's own reason: a text or what it threw.
 */
function stop(what: unknown): void {
  const { message = String(what ?? "") } = (what ?? {}) as { message?: string };
  self.postMessage({ panic: (reason ?? message) || "it does not say why" } satisfies Panic);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

/**
 * Runs a statement. While the disk is full, only reads: Postgres would stop for good if it could not extend its log, and
 * this way it continues once there is space again.
 */
async function query(open: PGlite, { sql, params, rowMode }: Extract<Request, { method: "query" }>) {
  if (folder !== undefined && !inTransaction && isFull(folder) !== diskIsFull) {
    diskIsFull = !diskIsFull;
    await open.exec(`set default_transaction_read_only = ${diskIsFull ? "on" : "off"}`);
  }
  try {
    return await open.query(sql, params, { rowMode });
  } catch (error) {
    if (!diskIsFull || (error as { code?: unknown }).code !== READ_ONLY) throw error;
    throw Object.assign(new Error("the disk is full"), { code: DISK_FULL });
  } finally {
    if (sql === "begin") inTransaction = true;
    else if (sql === "commit" || sql === "rollback") inTransaction = false;
  }
}

async function serve(request: Request): Promise<unknown> {
  if (request.method === "open") return open(request.dataDir);
  if (!database) throw new Error("the embedded database is not open");
  switch (request.method) {
    case "query":
      return await query(database, request);
    case "dump":
      return await database.dumpDataDir("gzip");
    case "close":
      return await database.close();
  }
}

// Requests run in order of arrival, because PGlite runs one at a time and queues the rest.
self.onmessage = async ({ data }: MessageEvent<Request>) => {
  let answer: Answer;
  try {
    answer = { id: data.id, result: await serve(data) };
  } catch (error) {
    // An Error loses its extra fields when it is posted to another thread.
    const { message, code } = error as Error & { code?: string };
    answer = { id: data.id, error: { message, code } };
  }
  self.postMessage(answer);
};
