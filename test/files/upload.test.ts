import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { systemClock } from "../../src/clock.ts";
import { rows } from "../../src/db/database.ts";
import type { Blobs } from "../../src/files/blobs.ts";
import { collect } from "../../src/files/collector.ts";
import { openDisk } from "../../src/files/disk.ts";
import { createPictures } from "../../src/files/pictures.ts";
import type { FileStore } from "../../src/files/ports.ts";
import { watchSpace } from "../../src/files/space.ts";
import { type Arrival, createUpload } from "../../src/files/upload.ts";
import { createMetrics } from "../../src/metrics.ts";
import { createFileStore } from "../../src/store/files.ts";
import { post, type Stocked, stock } from "../chat/stocked.ts";
import { freshDatabase } from "../support/database.ts";
import { memoryFolder } from "../support/folder.ts";
import { handClock } from "../support/hand-clock.ts";
import { START_MS } from "../support/house.ts";
import { png, sidewaysJpeg } from "../support/pictures.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(20_000);

// What an upload leaves behind, whatever happens to it.

const ROOM = "lobby";
const folder = memoryFolder();
const root = join(folder.path, "files");
const metrics = createMetrics();
let at: Stocked;
let store: FileStore;
let blobs: Blobs;

beforeAll(async () => {
  at = await stock(freshDatabase);
  await at.store.commit(0, [post(at.ada, ROOM, "hello")], false);
  store = createFileStore(at.database);
  blobs = await openDisk(root);
}, START_MS);
afterAll(async () => {
  await at.database.close();
  folder.remove();
});
beforeEach(async () => {
  await collect({ store, blobs, metrics }, { silentMs: 0, unsentMs: -1_000, strayMs: 1e9 });
  expect(stored()).toEqual([]);
});

const stored = () =>
  readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => name.includes("."))
    .map((name) => name.replace(/^.*\//, ""))
    .sort();
const states = async () =>
  (
    await at.database.run((orm) => rows<{ state: string }>(orm, sql`select state from files order by at`))
  ).map(({ state }) => state);

const service = (parts: Partial<Parameters<typeof createUpload>[0]> = {}) =>
  createUpload({
    store,
    blobs,
    pictures: createPictures(),
    clock: systemClock,
    max: 1_000_000,
    quotas: { person: 1e9, room: 1e9 },
    metrics,
    ...parts,
  });

const streamOf = (...parts: readonly Uint8Array[]) =>
  new ReadableStream<Uint8Array>({
    start(controller) {
      for (const part of parts) controller.enqueue(part);
      controller.close();
    },
  });
const arrival = (bytes: Uint8Array, more: Partial<Arrival> = {}): Arrival => ({
  room: ROOM,
  userId: at.ada,
  clientId: crypto.randomUUID(),
  name: "a.bin",
  declared: bytes.length,
  body: streamOf(bytes),
  arrived() {},
  ...more,
});
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => "stored",
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );
const bytes = (text: string) => new Uint8Array(Buffer.from(text));

describe("a file", () => {
  test("is stored once, however often it is sent; other bytes are refused", async () => {
    const upload = service();
    const key = { clientId: crypto.randomUUID() };
    const first = await upload(arrival(bytes("hello"), key));
    expect(first).toMatchObject({ isNew: true, file: { name: "a.bin", type: "text/plain", size: 5 } });
    const again = await upload(arrival(bytes("hello"), { ...key, declared: undefined, name: "b.bin" }));
    expect(again).toEqual({ file: first.file, isNew: false });
    expect(await codeOf(upload(arrival(bytes("jello"), key)))).toBe("client_id_reused");
    expect(await codeOf(upload(arrival(bytes("longer than that"), key)))).toBe("client_id_reused");
    expect(stored()).toEqual([`${first.file.id}.original`]);
  });

  test("that is sent twice at the same moment is one file", async () => {
    const upload = service();
    const key = { clientId: crypto.randomUUID() };
    const both = await Promise.all([
      upload(arrival(bytes("hello"), key)),
      upload(arrival(bytes("hello"), key)),
    ]);
    expect(both[0]?.file.id).toBe(both[1]?.file.id as string);
    expect(both.filter(({ isNew }) => isNew)).toHaveLength(1);
    await collect({ store, blobs, metrics });
    expect(stored()).toEqual([`${both[0]?.file.id}.original`]);
  });

  test.each([
    ["is longer than announced", "malformed", { declared: 3 }],
    ["is shorter than announced", "malformed", { declared: 30 }],
    ["announces more than the maximum", "file_too_large", { declared: 1_000_001 }],
    ["is longer than the maximum", "file_too_large", { declared: undefined, body: "x".repeat(1_000_001) }],
  ])(
    "that %s is refused, and nothing of it stays",
    async (_, code, { declared, body = "hello" }: { declared: number | undefined; body?: string }) => {
      expect(await codeOf(service()(arrival(bytes(body), { declared })))).toBe(code);
      await collect({ store, blobs, metrics });
      expect([stored(), await states()]).toEqual([[], []]);
    },
  );

  test("of a person or a room without room for it is refused", async () => {
    const upload = service({ quotas: { person: 1e9, room: 10_000 } });
    await upload(arrival(new Uint8Array(9_000)));
    expect(await codeOf(upload(arrival(new Uint8Array(2_000))))).toBe("quota_exceeded");
    expect(
      await codeOf(service({ blobs: { ...blobs, hasRoom: async () => false } })(arrival(bytes("x")))),
    ).toBe("storage_full");
  });

  test("for a disk that is full is refused, and nothing of it stays", async () => {
    const full = {
      ...blobs,
      write: () => Promise.reject(Object.assign(new Error("full"), { code: "ENOSPC" })),
    };
    const lines: object[] = [];
    const { clock, pass } = handClock();
    const watched = watchSpace(full, clock, { warn: (line: object) => void lines.push(line) });
    const upload = service({ blobs: watched });
    for (let time = 0; time < 3; time++)
      expect(await codeOf(upload(arrival(bytes("x"))))).toBe("storage_full");
    expect(lines).toEqual([{ event: "storage_full" }]);
    expect(new Set(await states())).toEqual(new Set(["doomed"]));
    pass(10 * 60_000);
    await codeOf(upload(arrival(bytes("x"))));
    expect(lines).toHaveLength(2);
  });
});

describe("an upload", () => {
  test("may take hours, as long as it keeps a slow phone's pace", async () => {
    const { clock, pass } = handClock();
    let part: ReadableStreamDefaultController<Uint8Array> | undefined;
    const body = new ReadableStream<Uint8Array>({ start: (controller) => void (part = controller) });
    let arrived = 0;
    const done = codeOf(
      service({ clock })(
        arrival(new Uint8Array(0), { body, declared: 300 * 2048, arrived: (more) => void (arrived += more) }),
      ),
    );
    for (let count = 1; count <= 300; count++) {
      part?.enqueue(new Uint8Array(2048));
      await until(() => arrived === count * 2048);
      pass(2_000);
    }
    part?.close();
    expect(await done).toBe("stored");
  });

  test.each([
    ["stops for a minute", 0, 61_000, 2],
    ["trickles", 10, 50_000, 2],
  ])("that %s ends, and nothing of it stays", async (_, size, everyMs, rounds) => {
    const { clock, pass } = handClock();
    let part: ReadableStreamDefaultController<Uint8Array> | undefined;
    const body = new ReadableStream<Uint8Array>({ start: (controller) => void (part = controller) });
    let code: string | undefined;
    const done = codeOf(service({ clock })(arrival(new Uint8Array(0), { body, declared: 1000 })));
    void done.then((found) => void (code = found));
    await until(async () => (await states()).length === 1);
    for (let round = 0; round < rounds && code === undefined; round++) {
      if (size > 0) part?.enqueue(new Uint8Array(size));
      await Bun.sleep(20);
      pass(everyMs);
      await Bun.sleep(20);
    }
    expect(await done).toBe("request_timeout");
    await collect({ store, blobs, metrics });
    expect([stored(), await states()]).toEqual([[], []]);
  });

  test("whose client goes away leaves nothing", async () => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(bytes("half"));
        controller.error(new Error("gone"));
      },
    });
    expect(await codeOf(service()(arrival(bytes("halffull"), { body })))).toBe("malformed");
    await collect({ store, blobs, metrics });
    expect([stored(), await states()]).toEqual([[], []]);
  });

  // A process that dies at a step never comes back from it. Another one collects what it left, and a repeat succeeds.
  const dead: unknown[] = [];
  const never = () => new Promise<never>((...held) => void dead.push(held));
  const dies: readonly (readonly [
    string,
    (reached: () => void) => Partial<Parameters<typeof createUpload>[0]>,
  ])[] = [
    ["before its row", (reached) => ({ store: { ...store, begin: () => (reached(), never()) } })],
    ["before the first byte", (reached) => ({ blobs: { ...blobs, write: () => (reached(), never()) } })],
    [
      "in the middle of the bytes",
      (reached) => ({
        blobs: {
          ...blobs,
          write: (id, variant) =>
            blobs.write(
              id,
              variant,
              (async function* () {
                yield bytes("half");
                reached();
                await never();
              })(),
            ),
        },
      }),
    ],
    ["before its previews", (reached) => ({ pictures: { previews: () => (reached(), never()) } })],
    [
      "between its previews",
      (reached) => ({
        blobs: {
          ...blobs,
          write: (id, variant, parts) =>
            variant === "large" ? (reached(), never()) : blobs.write(id, variant, parts),
        },
      }),
    ],
    [
      "before its row is complete",
      (reached) => ({ store: { ...store, complete: () => (reached(), never()) } }),
    ],
    [
      "before its response",
      (reached) => ({
        store: {
          ...store,
          complete: async (id, content) => {
            await store.complete(id, content);
            reached();
            return never();
          },
        },
      }),
    ],
  ];
  test.each(dies)("that dies %s leaves no orphan, and can be repeated", async (_, dying) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const picture = png(1000, 800);
    const key = { clientId: crypto.randomUUID() };
    void service(dying(resolve))(arrival(picture, key));
    await promise;
    const { file } = await service()(arrival(picture, key));
    // The dead attempt was silent for long enough; what was just uploaded was not.
    await at.database.run((orm) =>
      rows(orm, sql`update files set at = at - interval '1 hour' where state = 'uploading'`),
    );
    await collect({ store, blobs, metrics });
    expect(stored()).toEqual(["large", "original", "preview"].map((variant) => `${file.id}.${variant}`));
    expect(await states()).toEqual(["ready"]);
  });
});

test("an upload that was taken for dead stores nothing that no row leads to", async () => {
  const slow: Blobs = {
    ...blobs,
    async write(id, variant, parts) {
      await blobs.write(id, variant, parts);
      if (variant === "original")
        await collect({ store, blobs, metrics }, { silentMs: 0, unsentMs: 1e9, strayMs: 1e9 });
    },
  };
  for (const content of [bytes("hello"), png(1000, 800)])
    expect(await codeOf(service({ blobs: slow })(arrival(content)))).toBe("unavailable");
  expect([stored(), await states()]).toEqual([[], []]);
});

describe("a removal", () => {
  test("that dies between the content and the row is done again", async () => {
    const { file } = await service()(arrival(bytes("hello")));
    await store.expire({ silentMs: 1e9, unsentMs: -1_000, strayMs: 1e9 });
    await collect({
      store: { ...store, forget: () => Promise.reject(new Error("dead")) },
      blobs,
      metrics,
    }).catch(() => {});
    expect([stored(), await states()]).toEqual([[], ["doomed"]]);
    await collect({ store, blobs, metrics });
    expect(await states()).toEqual([]);
    expect(await store.servable(file.id)).toBeUndefined();
  });

  test("that fails does not keep others from being removed", async () => {
    const upload = service();
    const [stuck, other] = [await upload(arrival(bytes("stuck"))), await upload(arrival(bytes("other")))];
    await store.expire({ silentMs: 1e9, unsentMs: -1_000, strayMs: 1e9 });
    const broken: Blobs = {
      ...blobs,
      remove: (id) => (id === stuck.file.id ? Promise.reject(new Error("EIO")) : blobs.remove(id)),
    };
    expect(await codeOf(collect({ store, blobs: broken, metrics }))).toBe("EIO");
    expect(stored()).toEqual([`${stuck.file.id}.original`]);
    expect(await store.doomed()).toEqual([stuck.file.id]);
    expect(other.isNew).toBe(true);
  });
});

describe("a picture", () => {
  const sizesOf = async (id: string, variant: "preview" | "large") =>
    new Bun.Image(await blobs.read(id, variant)).metadata();

  test("is turned as its camera says, and its previews know nothing of where it was taken", async () => {
    const original = await sidewaysJpeg(3000, 1000);
    const { file } = await service()(arrival(original));
    expect(file).toMatchObject({ type: "image/jpeg", picture: { width: 1000, height: 3000 } });
    expect(file.picture?.placeholder).toStartWith("data:image/png;base64,");
    expect(await sizesOf(file.id, "preview")).toEqual({ width: 240, height: 720, format: "webp" });
    expect(await sizesOf(file.id, "large")).toEqual({ width: 683, height: 2048, format: "jpeg" });
    for (const variant of ["preview", "large"] as const)
      expect(Buffer.from(await blobs.read(file.id, variant)).includes("SECRETPLACE")).toBe(false);
  });

  test("that is small has one preview, in its own size", async () => {
    const { file } = await service()(arrival(png(40, 30)));
    expect(file.picture).toMatchObject({ width: 40, height: 30 });
    expect(Object.keys(file.sizes)).toEqual(["original", "preview"]);
    expect(await sizesOf(file.id, "preview")).toMatchObject({ width: 40, height: 30 });
  });

  test.each([
    ["a bomb", png(30_000, 30_000, Buffer.alloc(100))],
    ["half a picture", png(500, 500).subarray(0, 60)],
    ["a script that begins like a picture", Buffer.from("GIF89a/*<script>alert(1)</script>*/=1")],
    [
      "a drawing with a script",
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>'),
    ],
    ["a kind without a decoder", Buffer.from("\0\0\0\x20ftypavif\0\0\0\0avif", "latin1")],
  ])("that cannot be shown is a file like any other: %s", async (_, content) => {
    const { file } = await service()(arrival(new Uint8Array(content)));
    expect([file.picture, Object.keys(file.sizes)]).toEqual([null, ["original"]]);
  });
});
