import { join } from "node:path";
import { DataDirHeld, ownDataDir } from "../../src/db/owner.ts";
import { START_MS } from "./house.ts";
import { until } from "./until.ts";

const ROOT = join(import.meta.dir, "../..");
const BUILT = join(ROOT, "dist/client/index.js");
/** What the build printed, and the hash of what it was made from and of what it made. */
const RECORD = join(ROOT, "dist/client-build.json");
const SOURCES = new Bun.Glob(
  "{src/{client,protocol}/**/*.ts,scripts/build-client.ts,{package,tsconfig}.json}",
);

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
  const child = Bun.spawn([process.execPath, join(ROOT, "scripts/build-client.ts")], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if ((await child.exited) !== 0 || stderr) throw new Error(`the client was not built: ${stderr}${stdout}`);
  return stdout;
}

async function hashOfClient(): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  const paths = [...SOURCES.scanSync(ROOT)].sort();
  for (const path of [...paths.map((path) => join(ROOT, path)), BUILT]) {
    const file = Bun.file(path);
    hash.update(`${path}\n${(await file.exists()) ? await file.text() : "missing"}\n`);
  }
  return hash.digest("hex");
}
