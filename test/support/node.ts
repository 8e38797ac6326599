import { homedir } from "node:os";
import { join } from "node:path";
import { temporaryFolder } from "./folder.ts";

const ROOT = join(import.meta.dir, "../..");
const PACKAGE = `node-${process.platform}-${process.arch}`;

/** Node 22 or newer: the one in NODE, or the one from the development dependencies. */
export const NODE = process.env.NODE || join(ROOT, "node_modules", PACKAGE, "bin/node");
export const hasNode = (await Bun.file(NODE).exists()) || process.env.CI === "true";

const installed = new Map<number, Promise<string>>();

/** Installs the newest Node of a major version from the registry. Returns its path. */
export function installedNode(major: number): Promise<string> {
  let path = installed.get(major);
  if (!path) installed.set(major, (path = install(major)));
  return path;
}

async function install(major: number): Promise<string> {
  const folder = temporaryFolder();
  await Bun.write(join(folder.path, "package.json"), "{}");
  const child = Bun.spawn([process.execPath, "add", `${PACKAGE}@${major}`], {
    cwd: folder.path,
    env: { ...process.env, BUN_INSTALL_CACHE_DIR: join(homedir(), ".bun/install/cache") },
    stdout: "ignore",
    stderr: "pipe",
  });
  const stderr = await new Response(child.stderr).text();
  if ((await child.exited) !== 0) throw new Error(`Node ${major} was not installed: ${stderr}`);
  return join(folder.path, "node_modules", PACKAGE, "bin/node");
}
