import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { systemClock } from "../../src/clock.ts";
import type { Blobs } from "../../src/files/blobs.ts";
import { openDisk } from "../../src/files/disk.ts";
import { createPictures } from "../../src/files/pictures.ts";
import type { ReceivingStore } from "../../src/files/ports.ts";
import { createResumable } from "../../src/files/resumable.ts";
import { createUpload } from "../../src/files/upload.ts";
import { createMetrics } from "../../src/metrics.ts";
import { createFileStore } from "../../src/store/files.ts";
import { createHeldStore } from "../../src/store/held.ts";
import { createReceivingStore } from "../../src/store/receiving.ts";
import { post, type Stocked, stock } from "../chat/stocked.ts";
import { freshDatabase } from "../support/database.ts";
import { memoryFolder } from "../support/folder.ts";
import { START_MS } from "../support/house.ts";

setDefaultTimeout(20_000);

// An upload over several requests that has arrived becomes one file, wherever the process dies on the way.

const folder = memoryFolder();
const quotas = { person: 1e9, room: 1e9 };
let at: Stocked;
let blobs: Blobs;
let receiving: ReceivingStore;

beforeAll(async () => {
  at = await stock(freshDatabase);
  await at.store.commit(0, [post(at.ada, "lobby", "hello")], false);
  blobs = await openDisk(join(folder.path, "files"));
  receiving = createReceivingStore(at.database);
}, START_MS);
afterAll(async () => {
  await at.database.close();
  folder.remove();
});

/** The service of a process whose parts may fail. */
function service(parts: { blobs?: Partial<Blobs>; receiving?: Partial<ReceivingStore> } = {}) {
  const store = createFileStore(at.database);
  const own: Blobs = { ...blobs, ...parts.blobs };
  const common = { store, blobs: own, clock: systemClock, max: 1e6, quotas };
  const upload = createUpload({ ...common, pictures: createPictures(), metrics: createMetrics() });
  const held = createHeldStore(at.database);
  return createResumable({ ...common, receiving: { ...receiving, ...parts.receiving }, held, upload });
}
const bodyOf = (text: string) => new Response(text).body;
const dies = () => Promise.reject(new Error("dead"));

test.each([
  ["before a part is stored", { blobs: { write: dies } }, 0],
  ["after a part is stored", { receiving: { add: dies } }, 0],
  [
    "while the file is made",
    {
      blobs: {
        write: (id: string, form: string, parts: AsyncIterable<Uint8Array>) =>
          form === "original" ? dies() : blobs.write(id, form as "part-", parts),
      },
    },
    5,
  ],
  ["before its parts are given up", { receiving: { end: dies } }, 5],
] as const)("a process that dies %s", async (_, broken, arrived) => {
  const key = { room: "lobby", userId: at.ada, clientId: crypto.randomUUID() };
  const piece = { ...key, declared: 5, arrived() {} };
  await service().begin({ ...key, name: "a.txt", size: 5 });
  const failure = await service(broken as object)
    .append({ ...piece, offset: 0, body: bodyOf("hello") })
    .catch((error: Error) => error.message);
  expect(failure).toBe("dead");
  const found = await receiving.find(key);
  expect(found?.parts.reduce((sum, { size }) => sum + size, 0)).toBe(arrived);
  // Another process goes on.
  const there = service();
  if (arrived === 0) await there.append({ ...piece, offset: 0, body: bodyOf("hello") });
  const { file } = await there.progress(key);
  expect(file).toMatchObject({ name: "a.txt", size: 5, type: "text/plain" });
  expect(Buffer.from(await blobs.read(file?.id ?? "", "original")).toString()).toBe("hello");
  expect(await receiving.find(key)).toBeUndefined();
  expect((await there.progress(key)).file?.id).toBe(file?.id as string);
});
