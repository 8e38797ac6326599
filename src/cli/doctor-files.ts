import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { systemClock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import type { Database } from "../db/database.ts";
import type { Blobs } from "../files/blobs.ts";
import { openBlobs } from "../files/files.ts";
import { VARIANTS } from "../protocol/files.ts";
import { sampleFiles } from "../store/sample.ts";

/** A bucket refuses requests of clocks that differ by 15 minutes. This much is a reason to look, in seconds. */
const SKEW_MAX = 60;
/** Files that are compared with the database, in each direction. */
const SAMPLE = 1_000;
const LIMIT_MS = 10_000;

const silent = { warn() {} };

/** Opens the place of files, if there is one. */
export async function openPlace({ FILES_URL }: Config): Promise<Blobs | undefined> {
  if (FILES_URL === "off") return undefined;
  if (FILES_URL.startsWith("file:") && !existsSync(fileURLToPath(FILES_URL))) return undefined;
  return openBlobs(FILES_URL, systemClock, silent as never);
}

/** Checks the place of files. Returns the problems that it finds. */
export async function checkPlace(blobs: Blobs, { FILES_URL, FILE_MAX }: Config): Promise<string[]> {
  const problems: string[] = [];
  const id = crypto.randomUUID();
  const probe = "parley doctor";
  try {
    await blobs.write(
      id,
      "original",
      (async function* () {
        yield Buffer.from(probe);
      })(),
    );
    const read = Buffer.from(await blobs.read(id, "original")).toString();
    if (read !== probe) problems.push("The place of files returned something else than was stored");
    await blobs.remove(id);
  } catch (error) {
    problems.push(`The place of files cannot be used (${(error as Error).message}): check FILES_URL`);
  }
  if (!(await blobs.hasRoom(FILE_MAX)))
    problems.push("The disk of files has no room for the largest file: uploads are refused");
  const skew = await skewOf(FILES_URL);
  if (skew !== undefined && Math.abs(skew) > SKEW_MAX)
    problems.push(
      `The clocks of this machine and of the bucket differ by ${Math.round(skew)} s: set this one`,
    );
  return problems;
}

/** How far this machine's clock is ahead of the bucket's, in seconds; undefined if that is not known. */
async function skewOf(url: string): Promise<number | undefined> {
  if (!url.startsWith("s3:")) return undefined;
  const { searchParams } = new URL(url);
  const endpoint =
    searchParams.get("endpoint") ?? `https://s3.${searchParams.get("region") ?? "us-east-1"}.amazonaws.com`;
  const response = await fetch(endpoint, {
    method: "HEAD",
    redirect: "manual",
    signal: AbortSignal.timeout(LIMIT_MS),
  }).catch(() => undefined);
  const date = Date.parse(response?.headers.get("date") ?? "");
  return Number.isNaN(date) ? undefined : (Date.now() - date) / 1000;
}

/** Compares a sample of what is stored with the database. Returns the problems that it finds. */
export async function compare(blobs: Blobs, database: Database): Promise<string[]> {
  const problems: string[] = [];
  const sample = sampleFiles(database);
  const files = await sample.complete(SAMPLE);
  const missing: string[] = [];
  for (const { id, sizes } of files)
    for (const form of VARIANTS)
      if (sizes[form] !== undefined && !(await blobs.body(id, form))) missing.push(`${id}.${form}`);
  if (missing.length > 0)
    problems.push(
      `Of ${files.length} files, ${missing.length} forms are not stored, such as ${missing[0]}: restore them`,
    );
  let looked = 0;
  let strays = 0;
  for await (const ids of blobs.stored()) {
    looked += ids.length;
    strays += await sample.unknown(ids);
    if (looked >= SAMPLE) break;
  }
  if (strays > 0)
    problems.push(
      `Of ${looked} stored files, the database does not know ${strays}: a server removes them after seven days, see OPERATIONS.md`,
    );
  return problems;
}
