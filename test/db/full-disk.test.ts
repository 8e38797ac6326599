import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ownDataDir } from "../../src/db/owner.ts";
import { api } from "../support/api.ts";
import { temporaryFolder } from "../support/folder.ts";
import { PASSWORD, register } from "../support/people.ts";
import { startTestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

/** Mounts a disk of 64 MiB. Undefined if this user may not. */
function smallDisk() {
  const folder = temporaryFolder();
  mkdirSync(folder.path, { recursive: true });
  const { success } = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder.path], {
    stderr: "ignore",
  });
  if (!success) return undefined;
  const filler = join(folder.path, "filler");
  return {
    path: folder.path,
    fill() {
      const chunk = new Uint8Array(1024 * 1024);
      try {
        for (;;) writeFileSync(filler, chunk, { flag: "a" });
      } catch {
        // Nothing more fits.
      }
    },
    free: () => rmSync(filler),
    remove() {
      Bun.spawnSync(["umount", "--lazy", folder.path]);
      folder.remove();
    },
  };
}

/** Mounted for a test only: a mount that a filtered run leaves behind keeps its folder from being removed. */
function canMount(): boolean {
  const disk = process.platform === "linux" ? smallDisk() : undefined;
  disk?.remove();
  return disk !== undefined;
}

test.if(canMount())(
  "a full disk stops writes, not reads, and nothing is left once there is space",
  async () => {
    const disk = smallDisk();
    if (!disk) throw new Error("the disk cannot be mounted again");
    const server = await startTestServer({ DATA_DIR: join(disk.path, "data"), LOGIN_RATE: "0" });
    const ada = await register(server, "ada");
    const logIn = () =>
      api(server, "POST /account/login/", { body: { email: ada.email, password: PASSWORD } });
    const ready = async () => (await api(server, "GET /readyz")).body as { status: string; reason?: string };
    try {
      disk.fill();
      await until(async () => (await ready()).status !== "ready");
      expect(await ready()).toEqual({ status: "unready", reason: "the disk of the database is full" });
      expect(await logIn()).toMatchObject({ status: 503, body: { code: "unavailable" } });
      expect((await api(server, "GET /rooms/", { token: ada.token })).status).toBe(200);
      disk.free();
      await until(async () => (await ready()).status === "ready");
      expect((await logIn()).status).toBe(200);
      expect(server.log.filter(({ event }) => event === "fault")).toEqual([]);
      await server.stop();
      // Advice to restore the data, or to move it away, would destroy it.
      disk.fill();
      await expect(ownDataDir(join(disk.path, "data"))).rejects.toThrow(
        /^The disk of .* is full: .* The data is not affected$/,
      );
    } finally {
      await server.stop();
      disk.remove();
    }
  },
);
