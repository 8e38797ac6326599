import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { systemClock } from "../../src/clock.ts";
import type { Blobs } from "../../src/files/blobs.ts";
import { createBoth } from "../../src/files/both.ts";
import { openDisk } from "../../src/files/disk.ts";
import { move } from "../../src/files/moving.ts";
import type { Attempt, FileStore, MovingStore } from "../../src/files/ports.ts";
import { openS3 } from "../../src/files/s3.ts";
import { createMetrics } from "../../src/metrics.ts";
import { createFileStore } from "../../src/store/files.ts";
import { createMovingStore } from "../../src/store/moving.ts";
import { post, type Stocked, stock } from "../chat/stocked.ts";
import { api } from "../support/api.ts";
import { type Bucket, startBucket } from "../support/bucket.ts";
import { freshDatabase } from "../support/database.ts";
import { memoryFolder } from "../support/folder.ts";
import { START_MS } from "../support/house.ts";
import { register } from "../support/people.ts";
import { png } from "../support/pictures.ts";
import { startTestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(40_000);

// Files move between a folder and a bucket while people use them.

const metrics = createMetrics();
const folder = memoryFolder();
let bucket: Bucket;
let at: Stocked;
let files: FileStore;
let store: MovingStore;

beforeAll(async () => {
  bucket = startBucket();
  at = await stock(freshDatabase);
  await at.store.commit(0, [post(at.ada, "lobby", "hello")], false);
  files = createFileStore(at.database);
  store = createMovingStore(at.database);
}, START_MS);
afterAll(async () => {
  await at.database.close();
  bucket.stop();
  folder.remove();
});

const disk = () => openDisk(join(folder.path, crypto.randomUUID()));
const s3 = async () => openS3(bucket.url.replace("prefix", crypto.randomUUID()), systemClock, { warn() {} });
const DIRECTIONS: readonly (readonly [string, () => Promise<Blobs>, () => Promise<Blobs>])[] = [
  ["from a folder to a bucket", disk, s3],
  ["from a bucket to a folder", s3, disk],
  ["from a folder to another", disk, disk],
];

async function* partsOf(text: string) {
  yield Buffer.from(text);
}
const textOf = async (blobs: Blobs, id: string, form: "original" | "preview" = "original") => {
  const body = await blobs.body(id, form);
  return body && new Response(body).text();
};
const idsIn = async (blobs: Blobs) => [...new Set((await Array.fromAsync(blobs.stored())).flat())].sort();

describe.each(DIRECTIONS)("%s", (_, openOld, openNew) => {
  let from: Blobs;
  let to: Blobs;
  let both: Blobs;
  beforeEach(async () => {
    [from, to] = [await openOld(), await openNew()];
    both = createBoth(to, from);
  });
  const parts = () => ({ store, from, to, metrics });
  const holder = "this-test";

  /** A file that is complete, unless told otherwise. */
  const stored = async (text: string, isComplete = true) => {
    const id = crypto.randomUUID();
    const attempt: Attempt = {
      ...{ id, room: "lobby", userId: at.ada, clientId: crypto.randomUUID() },
      ...{ name: "a", size: text.length },
    };
    await files.begin(attempt, { person: 1e12, room: 1e12 });
    await from.write(id, "original", partsOf(text));
    await from.write(id, "preview", partsOf(`preview of ${text}`));
    const sizes = { original: text.length, preview: text.length + 11 };
    const content = { size: text.length, hash: "", type: "text/plain", picture: null, sizes };
    if (isComplete) await files.complete(id, content);
    return id;
  };

  test("every form moves, and can be read before and afterwards; new files go to the new place", async () => {
    const ids = [await stored("one"), await stored("two")].sort();
    expect(await textOf(both, ids[0] as string)).toMatch(/one|two/);
    expect(await move(parts(), holder)).toBe(0);
    expect([await idsIn(from), await idsIn(to)]).toEqual([[], ids]);
    const texts = await Promise.all(ids.map((id) => textOf(both, id)));
    expect(texts.sort()).toEqual(["one", "two"]);
    expect(await textOf(both, ids[0] as string, "preview")).toMatch(/^preview of/);
    const id = crypto.randomUUID();
    await both.write(id, "original", partsOf("new"));
    expect([await textOf(from, id), await textOf(to, id)]).toEqual([undefined, "new"]);
    await both.remove(id);
    expect(await textOf(both, id)).toBeUndefined();
  });

  test("a copy that broke off is never read, and is made anew", async () => {
    const id = await stored("whole");
    await to.write(id, "original", partsOf("who"));
    expect(await textOf(both, id)).toBe("whole");
    expect(Buffer.from(await both.read(id, "original")).toString()).toBe("whole");
    await move(parts(), holder);
    expect([await textOf(from, id), await textOf(to, id)]).toEqual([undefined, "whole"]);
  });

  test("a copy that differs stays where it was", async () => {
    const id = await stored("precious");
    const lossy: Blobs = {
      ...to,
      write: (id, form) => to.write(id, form, partsOf("precio")),
    };
    const failure = await move({ ...parts(), to: lossy }, holder).catch((error: Error) => error.message);
    expect(failure).toContain("differs");
    expect(await textOf(both, id)).toBe("precious");
    expect(await move(parts(), holder)).toBe(0);
    expect(await textOf(to, id)).toBe("precious");
  });

  test("what is still being uploaded stays, and so does what no row knows", async () => {
    const [unfinished, stray] = [await stored("half", false), crypto.randomUUID()];
    await from.write(stray, "original", partsOf("x"));
    expect(await move(parts(), holder)).toBe(1);
    expect(await idsIn(from)).toEqual([unfinished, stray].sort());
    expect(await idsIn(to)).toEqual([]);
  });

  test("a file that is removed while it is copied leaves no copy", async () => {
    const id = await stored("gone");
    const slow: Blobs = {
      ...to,
      async write(id, form, bytes) {
        if (form === "original") {
          await files.expire({ silentMs: 1e12, unsentMs: -1_000, strayMs: 1e12 });
          await both.remove(id);
          await files.forget([id]);
        }
        await to.write(id, form, bytes);
      },
    };
    // The source may be gone when it is read, which fails; the next pass finds nothing.
    await move({ ...parts(), to: slow }, holder).catch(() => {});
    await move(parts(), holder);
    const left = (await idsIn(to)).filter((one) => one === id);
    if (left.length > 0) expect(await files.adopt([id])).toBe(1); // it is found by the sweep
    expect(await textOf(from, id)).toBeUndefined();
  });

  test("one process moves at a time", async () => {
    const id = await stored("one");
    expect(await store.hold("another", 60_000)).toBe(false);
    expect(await store.hold(holder, -1)).toBe(true);
    expect(await store.hold("another", 60_000)).toBe(true);
    expect(await move(parts(), holder)).toBeUndefined();
    expect(await idsIn(from)).toEqual([id]);
    expect(await store.hold("another", -1)).toBe(true);
    expect(await move(parts(), holder)).toBe(0);
  });
});

test("a server moves its files while they are loaded, and back", async () => {
  const data = memoryFolder();
  const home = pathToFileURL(join(data.path, "shelf")).href;
  const settings = { DATA_DIR: join(data.path, "data"), BUDGETS: "0", LOGIN_RATE: "0" };
  let server = await startTestServer({ ...settings, FILES_URL: home });
  const { token } = await register(server, "ada");
  await api(server, "POST /rooms/den/messages/", { token, body: { content: "hello" } });
  const picture = png(900, 700);
  const response = await fetch(`${server.url}/rooms/den/files/${crypto.randomUUID()}/`, {
    method: "PUT",
    headers: { authorization: `Bearer ${token}` },
    body: picture,
  });
  const { id } = (await response.json()) as { id: string };
  await api(server, "POST /rooms/den/messages/", { token, body: { content: "", files: [{ id }] } });
  const load = async () => {
    const { body } = await api(server, `GET /rooms/den/files/?ids=${id}`, { token });
    const [{ urls }] = body as [{ urls: { original: string; preview: string } }];
    const [original, preview] = await Promise.all(
      [urls.original, urls.preview].map(async (url) => (await fetch(server.url + url)).bytes()),
    );
    return Buffer.from(original as Uint8Array).equals(picture) && (preview as Uint8Array).length > 0;
  };
  const inBucket = () => [...bucket.objects.keys()].filter((key) => key.includes(id)).length;
  for (const [url, old, count] of [
    [bucket.url, home, 3],
    [home, bucket.url, 0],
  ] as const) {
    await server.stop();
    server = await startTestServer({ ...settings, FILES_URL: url, FILES_OLD_URL: old });
    expect(await load()).toBe(true);
    await until(async () => (await load()) && inBucket() === count, 30_000);
    expect(await load()).toBe(true);
  }
  await server.stop();
  data.remove();
});
