import { join } from "node:path";
import { DataDirHeld, ownDataDir } from "../../src/db/owner.ts";
import { START_MS } from "./house.ts";
import { run } from "./run.ts";
import { until } from "./until.ts";

const ROOT = join(import.meta.dir, "../..");
/** What the build printed, and the hash of what it was made from and of what it made. */
const RECORD = join(ROOT, "dist/client-build.json");
const FILES = [
  "src/{client,protocol,terminal}/**/*",
  "dist/client/**/*",
  "scripts/build-client*.ts",
  "{package,tsconfig}.json",
  "LICENSE",
].map((pattern) => new Bun.Glob(pattern));

/**
 * Builds dist/client as `bun run build:client` does, if it is not built from these sources. Returns what the build
 * printed. Test files that run at the same time take turns, because a build removes what was there.
 */
export async function builtClient(): Promise<string> {
  let release = () => {};
  await until(async () => {
    try {
      release = await ownDataDir(join(ROOT, "dist/.building"));
      return true;
    } catch (error) {
      if (error instanceof DataDirHeld) return false;
      throw error;
    }
  }, START_MS);
  try {
    const record = Bun.file(RECORD);
    if (await record.exists()) {
      const { hash, printed } = await record.json();
      if (hash === (await hashOfClient())) return printed;
    }
    const printed = await build();
    await Bun.write(record, JSON.stringify({ hash: await hashOfClient(), printed }));
    return printed;
  } finally {
    release();
  }
}

async function build(): Promise<string> {
  const command = [process.execPath, join(ROOT, "scripts/build-client.ts")];
  const { stdout, stderr, code } = await run(command, { cwd: ROOT });
  if (code !== 0 || stderr) throw new Error(`the client was not built: ${stderr}${stdout}`);
  return stdout;
}

/** Packs the built client as `bun run pack:client` does, into a folder. Returns the tarball's path. */
export async function packedClient(folder: string): Promise<string> {
  await builtClient();
  const command = [process.execPath, "pm", "pack", "--quiet", "--destination", folder];
  const { stdout, stderr, code } = await run(command, { cwd: join(ROOT, "dist/client") });
  if (code !== 0) throw new Error(`the client was not packed: ${stderr}${stdout}`);
  return stdout.trim();
}

async function hashOfClient(): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  for (const path of FILES.flatMap((glob) => [...glob.scanSync(ROOT)]).sort())
    hash.update(`${path}\n${await Bun.file(join(ROOT, path)).text()}\n`);
  return hash.digest("hex");
}
