import { chmod, chown, cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, relative, resolve } from "node:path";
import { parseDockerfile, type Step, wordsOf } from "./dockerfile.ts";

// Tests the Dockerfile without a Docker engine. Runs its steps in order, with a clean folder as the root of each stage
// and this machine's tools instead of the base image's. Then starts the result as an unprivileged user, runs the health
// check, and stops it.

const ROOT = join(import.meta.dir, "..");
const NOBODY = 65_534;
const asRoot = process.getuid?.() === 0;

interface Stage {
  readonly folder: string;
  readonly env: Record<string, string>;
  workdir: string;
  user: string;
  entrypoint: string[];
  healthcheck: string[];
}

const work = await mkdtemp(join(tmpdir(), "parley-dockerfile-"));
try {
  await chmod(work, 0o755); // the user nobody must be able to traverse it
  const stages = new Map<string, Stage>();
  const ignored = (await Bun.file(join(ROOT, ".dockerignore")).text()).split("\n").filter(Boolean);
  let stage: Stage | undefined;
  for (const step of parseDockerfile(await Bun.file(join(ROOT, "Dockerfile")).text())) {
    console.log(`${step.instruction} ${step.rest}`);
    if (step.instruction === "FROM") {
      const name = / AS (\S+)$/i.exec(step.rest)?.[1] ?? "final";
      const folder = join(work, name);
      await mkdir(folder);
      stage = { folder, env: {}, workdir: folder, user: "root", entrypoint: [], healthcheck: [] };
      stages.set(name, stage);
    } else if (stage) await take(step, stage, stages, ignored);
  }
  if (!stage) throw new Error("the Dockerfile has no stage");
  await tryOut(stage);
} finally {
  await rm(work, { recursive: true, force: true });
}

async function take(
  { instruction, flags, rest }: Step,
  stage: Stage,
  stages: Map<string, Stage>,
  ignored: string[],
) {
  switch (instruction) {
    case "WORKDIR":
      stage.workdir = within(stage, rest);
      await mkdir(stage.workdir, { recursive: true });
      return;
    case "ENV":
      for (const pair of rest.split(/\s+/)) {
        const [name = "", value = ""] = pair.split("=", 2);
        stage.env[name] = value.startsWith("/") ? within(stage, value) : value;
      }
      return;
    case "RUN": {
      const env = { PATH: process.env.PATH, HOME: process.env.HOME, ...stage.env };
      const { exited } = Bun.spawn(["sh", "-c", rest], { cwd: stage.workdir, env, stdin: "ignore" });
      const code = await exited;
      if (code !== 0) throw new Error(`exit code ${code}: ${rest}`);
      return;
    }
    case "COPY": {
      const from = flags.from === undefined ? undefined : stages.get(flags.from);
      if (flags.from !== undefined && !from) throw new Error(`the Dockerfile has no stage ${flags.from}`);
      const words = rest.split(/\s+/);
      const target = within(stage, words.at(-1) ?? "");
      for (const source of words.slice(0, -1)) {
        const path = from ? within(from, source) : join(ROOT, source);
        const isFolder = (await Bun.file(path).stat()).isDirectory();
        const into = !isFolder && words.at(-1)?.endsWith("/") ? join(target, basename(source)) : target;
        const filter = (file: string) => from !== undefined || !isIgnored(relative(ROOT, file), ignored);
        await cp(path, into, { recursive: true, filter });
      }
      if (flags.chown && asRoot) await chown(target, NOBODY, NOBODY);
      return;
    }
    case "USER":
      stage.user = rest;
      return;
    case "ENTRYPOINT":
      stage.entrypoint = wordsOf(rest);
      return;
    case "HEALTHCHECK":
      stage.healthcheck = wordsOf(rest.replace(/^.*?CMD\s+/, ""));
      return;
    case "VOLUME":
    case "EXPOSE":
      return;
    default:
      throw new Error(`this script does not support ${instruction}`);
  }
}

/** Maps a path of the image to the folder that serves as its root. */
function within({ folder, workdir }: Stage, path: string): string {
  return path.startsWith("/") ? join(folder, path) : resolve(workdir, path);
}

function isIgnored(path: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => new Bun.Glob(pattern).match(path.split("/", 1)[0] ?? ""));
}

async function tryOut(stage: Stage): Promise<void> {
  if (["root", "0"].includes(stage.user)) throw new Error("the image runs as root");
  const probe = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const env = { ...stage.env, PORT: String(probe.port) };
  probe.stop(true);
  const command = ([program = "", ...args]: readonly string[]) => [
    ...(asRoot ? ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"] : []),
    within(stage, program),
    ...args,
  ];
  const server = Bun.spawn(command(stage.entrypoint), { cwd: stage.folder, env });
  try {
    await healthy(() => Bun.spawn(command(stage.healthcheck), { env, stderr: "ignore" }).exited, server);
    console.log("healthy");
  } finally {
    server.kill("SIGTERM");
  }
  const code = await server.exited;
  if (code !== 0) throw new Error(`the server exited with code ${code}`);
  const data = await Array.fromAsync(
    new Bun.Glob("*").scan({ cwd: stage.env.DATA_DIR ?? "", onlyFiles: false }),
  );
  if (!data.includes("postgres")) throw new Error(`the volume contains no database, only ${data.join(", ")}`);
}

/** Repeats a health check until it exits with 0. @throws {Error} if the server exits or 20 seconds pass. */
async function healthy(check: () => Promise<number>, server: Bun.Subprocess): Promise<void> {
  for (const end = performance.now() + 20_000; (await check()) !== 0; await Bun.sleep(100)) {
    if (server.exitCode !== null) throw new Error(`the server exited with code ${server.exitCode}`);
    if (performance.now() > end) throw new Error("the server did not become healthy within 20 s");
  }
}
