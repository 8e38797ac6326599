import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/clock.ts";
import { ConfigError } from "../../src/config/config.ts";
import type { Blobs } from "../../src/files/blobs.ts";
import { openDisk } from "../../src/files/disk.ts";
import { openS3 } from "../../src/files/s3.ts";
import { type Bucket, startBucket } from "../support/bucket.ts";
import { memoryFolder } from "../support/folder.ts";

setDefaultTimeout(20_000);

// The contract of a place where files are stored, for each kind of place.

const MIB = 1024 * 1024;
async function* partsOf(...parts: readonly Uint8Array[]) {
  yield* parts;
}
const bytesOf = async (body: Blob | ReadableStream | undefined) => body && (await new Response(body).bytes());

const warnings: object[] = [];
const openBucket = () =>
  openS3(bucket.url, systemClock, { warn: (line: object) => void warnings.push(line) });
const folder = memoryFolder();
let bucket: Bucket;
beforeAll(() => {
  bucket = startBucket();
});
afterAll(() => {
  bucket.stop();
  folder.remove();
});

const PLACES: readonly (readonly [string, () => Promise<Blobs> | Blobs])[] = [
  ["a folder", () => openDisk(join(folder.path, "files"))],
  ["a bucket", () => openBucket()],
];

describe.each(PLACES)("%s", (_, open) => {
  let blobs: Blobs;
  beforeAll(async () => {
    blobs = await open();
  });

  test("what was written can be read, all of it or a part", async () => {
    const id = crypto.randomUUID();
    await blobs.write(id, "original", partsOf(Buffer.from("Good "), Buffer.from("morning")));
    await blobs.write(id, "preview", partsOf(Buffer.from("Morning")));
    expect(Buffer.from(await blobs.read(id, "original")).toString()).toBe("Good morning");
    expect(await bytesOf(await blobs.body(id, "original"))).toEqual(
      new Uint8Array(Buffer.from("Good morning")),
    );
    const range = { first: 5, last: 8 };
    expect(await bytesOf(await blobs.body(id, "original", range))).toEqual(
      new Uint8Array(Buffer.from("morn")),
    );
    expect(await bytesOf(await blobs.body(id, "preview"))).toEqual(new Uint8Array(Buffer.from("Morning")));
  });

  test("an empty file is a file", async () => {
    const id = crypto.randomUUID();
    await blobs.write(id, "original", partsOf());
    expect((await bytesOf(await blobs.body(id, "original")))?.length).toBe(0);
  });

  test("a large one arrives in order", async () => {
    const id = crypto.randomUUID();
    const parts = Array.from({ length: 24 }, (_, index) => new Uint8Array(MIB / 2).fill(index));
    await blobs.write(id, "original", partsOf(...parts));
    expect(Buffer.concat(parts).equals(await blobs.read(id, "original"))).toBe(true);
  });

  test("what was removed is gone, and removing it again succeeds", async () => {
    const id = crypto.randomUUID();
    await blobs.write(id, "original", partsOf(Buffer.from("x")));
    await blobs.write(id, "large", partsOf(Buffer.from("x")));
    await blobs.remove(id);
    expect(await blobs.body(id, "original")).toBeUndefined();
    expect(await blobs.body(id, "large")).toBeUndefined();
    await blobs.remove(id);
    await blobs.remove(crypto.randomUUID());
  });

  test("a body that breaks off fails, and whatever it left can be removed", async () => {
    const id = crypto.randomUUID();
    async function* broken() {
      yield Buffer.from("half");
      throw new Error("the client is gone");
    }
    await expect(blobs.write(id, "original", broken())).rejects.toThrow("the client is gone");
    await blobs.remove(id);
    expect(await blobs.body(id, "original")).toBeUndefined();
  });
});

test.each(PLACES)(
  "%s names everything that it stores, and nothing that others put there",
  async (kind, open) => {
    const blobs = await open();
    const ids = Array.from({ length: 8 }, () => crypto.randomUUID());
    for (const id of ids) await blobs.write(id, "original", partsOf(Buffer.from("x")));
    await blobs.write(ids[0] ?? "", "preview", partsOf(Buffer.from("x")));
    const [id = ""] = ids;
    const foreign = ["notes.txt", `${id}.exe`, id, `${id}.original.tmp`];
    for (const name of foreign)
      if (kind === "a folder") await Bun.write(join(folder.path, "files", id.slice(0, 2), name), "x");
      else bucket.put(`some/prefix/x/${name}`);
    if (kind === "a bucket") bucket.put(`some/prefixes/${crypto.randomUUID()}.original`);
    const found = new Set<string>();
    for await (const some of blobs.stored()) for (const one of some) found.add(one);
    expect(ids.filter((one) => !found.has(one))).toEqual([]);
    for (const one of found) await blobs.remove(one);
    for await (const some of blobs.stored()) expect(some).toEqual([]);
  },
);

test("a folder contains nothing but ids, and nobody else can open it", async () => {
  const root = join(folder.path, "other");
  const blobs = await openDisk(root);
  const id = crypto.randomUUID();
  await blobs.write(id, "original", partsOf(Buffer.from("x")));
  expect(readdirSync(root)).toEqual([id.slice(0, 2)]);
  expect(readdirSync(join(root, id.slice(0, 2)))).toEqual([`${id}.original`]);
  const { mode } = await Bun.file(join(root, id.slice(0, 2), `${id}.original`)).stat();
  expect(mode & 0o777).toBe(0o600);
});

test("a folder that cannot be used is named, with what to do", async () => {
  const path = join(folder.path, "a-file");
  await Bun.write(path, "x");
  const opened = openDisk(join(path, "files")).catch((error: unknown) => error);
  expect(await opened).toBeInstanceOf(ConfigError);
  expect(String(await opened)).toContain("let this user write to it, or name another folder");
});

test("a bucket keeps its objects below the prefix", async () => {
  const id = crypto.randomUUID();
  await openBucket().write(id, "original", partsOf(Buffer.from("x")));
  expect(bucket.objects.has(`some/prefix/${id}.original`)).toBe(true);
});

test("a bucket that does not respond is no fault of this server, and the upload can be tried again", async () => {
  const blobs = openBucket();
  bucket.away = true;
  const id = crypto.randomUUID();
  const tried = blobs.write(id, "original", partsOf(Buffer.from("x"))).then(
    () => "stored",
    (error: { code?: string }) => error.code,
  );
  expect(await tried).toBe("unavailable");
  expect(warnings).toMatchObject([{ event: "bucket_failed" }]);
  bucket.away = false;
  await blobs.write(id, "original", partsOf(Buffer.from("x")));
  expect(Buffer.from(await blobs.read(id, "original")).toString()).toBe("x");
});
