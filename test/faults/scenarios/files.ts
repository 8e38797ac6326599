import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Bucket, type Call, startBucket } from "../../support/bucket.ts";
import { openRaw } from "../../support/raw.ts";
import { until } from "../condition.ts";
import { leftover } from "../leftovers.ts";
import { startLoad } from "../load.ts";
import { startProxy } from "../proxy.ts";
import { between, type Scenario, withMore } from "../scenario.ts";
import { onStage, type Stage } from "../stage.ts";
import { createUploader, judgeFiles, newBytes, newPicture, type Uploader } from "../uploads.ts";

const MIB = 1024 * 1024;
const ROOM = "album";
const WAIT_MS = 20_000;
/** In which some uploads succeed, also on a busy machine, in milliseconds. */
const PROGRESS_MS = 60_000;

/** Two people chat, and the room for files is there. */
async function chat(stage: Stage) {
  const clients = stage.join(2);
  await stage.ready();
  const load = startLoad(clients, { perSecond: 5, window: 10 });
  const [uploader] = uploadersOf(stage, 1) as [Uploader];
  await uploader.request("POST", `/rooms/${ROOM}/messages/`, {
    content: "hello",
    clientId: crypto.randomUUID(),
  });
  return load;
}

const uploadersOf = (stage: Stage, count: number, url = () => stage.server.url): Uploader[] =>
  Array.from({ length: count }, (_, index) =>
    createUploader({ url, token: stage.tokens[index % stage.tokens.length] ?? "", room: ROOM }),
  );

/** Stops everything and judges the messages and the files. */
async function verdictOf(
  stage: Stage,
  place: string,
  uploaders: readonly Uploader[],
  measured: string,
  wrong: readonly (string | false)[] = [],
) {
  let counts = "";
  const verdict = await stage.verdict(async (database) => {
    const judged = await judgeFiles(database, place, uploaders);
    counts = judged.counts;
    return judged.wrong;
  });
  return withMore(verdict, `${counts}\n    ${measured}`, wrong);
}

/** Plays with several people who upload until `during` has ended, and then until all of it is acknowledged. */
async function whileUploading(uploaders: readonly Uploader[], during: () => Promise<void>) {
  const playing = Promise.all(uploaders.map((uploader) => uploader.play()));
  playing.catch(() => {});
  await during();
  for (const uploader of uploaders) uploader.stop();
  await playing;
}

const uploadsOf = (uploaders: readonly Uploader[]) =>
  uploaders.reduce((sum, { stored }) => sum + stored.size, 0);

/** Holds the first request that fits. `met` resolves when it is held. */
function holding(bucket: Bucket, fits: (call: Call) => boolean) {
  const met = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  let isMet = false;
  bucket.gate = (call) => {
    if (isMet || !fits(call)) return undefined;
    isMet = true;
    met.resolve();
    return released.promise;
  };
  return {
    met: met.promise,
    release() {
      bucket.gate = () => undefined;
      released.resolve();
    },
  };
}

/** A step of an upload, at which the server is killed. */
interface Step {
  readonly name: string;
  /** Resolves when the server is in the middle of it. Returns what its people do once the server is back. */
  reach(parts: { stage: Stage; bucket: Bucket; uploader: Uploader }): Promise<() => Promise<void>>;
}

const isPut = (variant: string, phase: Call["phase"]) => (call: Call) =>
  call.method === "PUT" && call.phase === phase && call.key.endsWith(variant);

/** A step in which the bucket does not respond to an upload. */
const storing = (name: string, fits: (call: Call) => boolean): Step => ({
  name,
  async reach({ bucket, uploader }) {
    const bytes = newPicture();
    const clientId = crypto.randomUUID();
    const held = holding(bucket, fits);
    const uploaded = uploader.upload(bytes, clientId);
    await held.met;
    return async () => {
      held.release();
      const { id } = await uploaded;
      await uploader.send(id);
    };
  },
});

/** A step in which the bucket does not respond to a removal. */
const removing = (name: string, phase: Call["phase"]): Step => ({
  name,
  async reach({ bucket, uploader }) {
    const { id } = await uploader.upload(newBytes(1_000));
    const message = await uploader.send(id);
    const held = holding(bucket, (call) => call.method === "DELETE" && call.phase === phase);
    await uploader.remove(message);
    await held.met;
    return async () => held.release();
  },
});

const STEPS: readonly Step[] = [
  {
    name: "while it arrives",
    async reach({ stage, bucket, uploader }) {
      const bytes = newBytes(12 * MIB);
      const clientId = crypto.randomUUID();
      const before = bucket.parts;
      const raw = await openRaw(stage.server);
      raw.socket.write(
        `PUT /rooms/${ROOM}/files/${clientId}/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${stage.tokens[0]}\r\nContent-Length: ${bytes.length}\r\n\r\n`,
      );
      raw.socket.write(bytes.subarray(0, 11 * MIB));
      await until("a part is stored", WAIT_MS, () => bucket.parts > before);
      return async () => {
        raw.end();
        await uploader.send((await uploader.upload(bytes, clientId)).id);
      };
    },
  },
  storing("before its bytes are stored", isPut(".original", "before")),
  storing("when its bytes are stored", isPut(".original", "after")),
  storing("when its preview is stored", isPut(".preview", "after")),
  {
    name: "while its message is committed",
    async reach({ stage, uploader }) {
      const { id } = await uploader.upload(newBytes(1_000));
      const sql = new Bun.SQL(stage.databaseUrl, { max: 2 });
      const done = Promise.withResolvers<void>();
      const locked = Promise.withResolvers<void>();
      const lock = sql.begin(async (tx) => {
        await tx`select from files where id = ${id}::uuid for update`;
        locked.resolve();
        await done.promise;
      });
      await locked.promise;
      const sent = uploader.send(id);
      await until("the commit waits", WAIT_MS, async () => {
        const waiting = await sql`select from pg_locks where not granted`;
        return waiting.length > 0;
      });
      return async () => {
        done.resolve();
        await lock;
        await sent;
        await sql.close({ timeout: 0 });
      };
    },
  },
  removing("before it is removed", "before"),
  removing("when it is removed", "after"),
];

export const uploadsKilledInSteps: Scenario = {
  name: "uploads: kill -9 in each step, with a bucket",
  play: async ({ postgres, full }) => {
    const bucket = startBucket();
    const env = { FILES_URL: bucket.url };
    try {
      return await onStage({ postgres, env }, async (stage) => {
        const load = await chat(stage);
        const [uploader] = uploadersOf(stage, 1) as [Uploader];
        for (let round = 0; round < (full ? 3 : 1); round++)
          for (const step of STEPS) {
            const goOn = await step.reach({ stage, bucket, uploader }).catch((error: unknown) => {
              throw new Error(`${step.name}: ${String(error)}`);
            });
            await stage.server.kill();
            await stage.server.start();
            await goOn();
          }
        load.stop();
        await stage.settled();
        return verdictOf(stage, bucket.url, [uploader], `killed ${STEPS.map(({ name }) => name).join(", ")}`);
      });
    } finally {
      bucket.stop();
    }
  },
};

/** A folder for files that is removed at the end. */
function filesFolder() {
  const path = mkdtempSync(join(tmpdir(), "parley-faults-files-"));
  const remove = () => rmSync(path, { recursive: true, force: true });
  leftover(remove);
  return { path, url: pathToFileURL(path).href, remove };
}

export const uploadsKilled: Scenario = {
  name: "uploads: kill -9 at random moments, on a disk",
  embedded: true,
  play: async ({ full }) => {
    const folder = filesFolder();
    const kills = full ? 20 : 4;
    try {
      return await onStage({ env: { FILES_URL: folder.url } }, async (stage) => {
        const load = await chat(stage);
        const uploaders = uploadersOf(stage, 6);
        await whileUploading(uploaders, async () => {
          for (let kill = 0; kill < kills; kill++) {
            const before = uploadsOf(uploaders);
            await until("uploads are acknowledged", PROGRESS_MS, () => uploadsOf(uploaders) > before + 8);
            await Bun.sleep(between(20, 300));
            await stage.server.kill();
            await stage.server.start();
          }
        });
        load.stop();
        await stage.settled();
        const interrupted = uploaders.reduce(
          (sum, { counts }) => sum + (counts.get("upload without a response") ?? 0),
          0,
        );
        return verdictOf(stage, folder.path, uploaders, `kills ${kills}, uploads in flight ${interrupted}`, [
          interrupted === 0 && "no upload was in flight at any kill: nothing was tested",
        ]);
      });
    } finally {
      folder.remove();
    }
  },
};

export const uploadsWithoutBucket: Scenario = {
  name: "uploads: the bucket away, connections cut, stalled and slow",
  play: async ({ postgres, full }) => {
    const bucket = startBucket();
    try {
      return await onStage({ postgres, env: { FILES_URL: bucket.url } }, async (stage) => {
        const load = await chat(stage);
        const proxy = startProxy(stage.server.port);
        const uploaders = [
          ...uploadersOf(stage, 4, () => `http://127.0.0.1:${proxy.port}`),
          ...uploadersOf(stage, 2),
        ];
        let cut = 0;
        try {
          await whileUploading(uploaders, async () => {
            const end = performance.now() + (full ? 30_000 : 5_000);
            while (performance.now() < end) {
              await Bun.sleep(between(20, 200));
              const fault = Math.random();
              if (fault < 0.4) cut += proxy.cut(0.4);
              else if (fault < 0.5) proxy.stall(0.3);
              else if (fault < 0.6) proxy.resume();
              else if (fault < 0.7) proxy.delay(Math.random() < 0.5 ? 0 : between(1, 80));
              else bucket.away = Math.random() < 0.4;
            }
            bucket.away = false;
            proxy.resume();
            proxy.delay(0);
          });
        } finally {
          proxy.stop();
        }
        load.stop();
        await stage.settled();
        const refused = uploaders.reduce(
          (sum, { counts }) => sum + (counts.get("upload unavailable") ?? 0),
          0,
        );
        return verdictOf(
          stage,
          bucket.url,
          uploaders,
          `connections cut ${cut}, refused for the bucket ${refused}`,
          [(cut === 0 || refused === 0) && "nothing was cut or refused: nothing was tested"],
        );
      });
    } finally {
      bucket.stop();
    }
  },
};

/** More than the server leaves free, in MiB: see disk.ts. */
const DISK_MIB = 640;

/** A small disk in memory. Undefined if this user may not mount one. */
function smallDisk() {
  const folder = filesFolder();
  mkdirSync(folder.path, { recursive: true });
  const mounted = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", `size=${DISK_MIB}m`, "tmpfs", folder.path]);
  if (!mounted.success) {
    folder.remove();
    return undefined;
  }
  const unmount = () => void Bun.spawnSync(["umount", "--lazy", folder.path]);
  leftover(unmount);
  const filler = join(folder.path, "filler");
  return {
    ...folder,
    /** Takes what is left. */
    fill: () => fillUp(filler),
    free: () => rmSync(filler, { force: true }),
    remove() {
      unmount();
      folder.remove();
    },
  };
}

/** Takes all the space that is left. */
function fillUp(filler: string): void {
  const chunk = new Uint8Array(1024 * 1024);
  try {
    for (;;) appendFileSync(filler, chunk);
  } catch {
    // Nothing more fits.
  }
}

export const uploadsOnFullDisk: Scenario = {
  name: "uploads: the disk full",
  embedded: true,
  lacks() {
    const disk = process.platform === "linux" ? smallDisk() : undefined;
    disk?.remove();
    return disk ? undefined : "a right to mount a disk";
  },
  play: async ({ full }) => {
    const disk = smallDisk();
    if (!disk) throw new Error("the disk cannot be mounted again");
    try {
      return await onStage({ env: { FILES_URL: disk.url } }, async (stage) => {
        const load = await chat(stage);
        const uploaders = uploadersOf(stage, 4);
        const refused = () =>
          uploaders.reduce((sum, { counts }) => sum + (counts.get("upload storage_full") ?? 0), 0);
        await whileUploading(uploaders, async () => {
          for (let round = 0; round < (full ? 5 : 2); round++) {
            const before = uploadsOf(uploaders);
            await until("uploads are acknowledged", PROGRESS_MS, () => uploadsOf(uploaders) > before + 4);
            const earlier = refused();
            disk.fill();
            await until("an upload is refused", PROGRESS_MS, () => refused() > earlier);
            disk.free();
          }
        });
        load.stop();
        await stage.settled();
        return verdictOf(stage, disk.path, uploaders, `refused because the disk was full ${refused()}`, []);
      });
    } finally {
      disk.remove();
    }
  },
};
