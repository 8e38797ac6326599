import { REGISTRY } from "./registry.ts";

/** Runs commands in bash until a line of them fails. Returns what they print. @throws {Error} with the output. */
export async function paste(
  commands: string,
  { cwd, settings = {} }: { cwd: string; settings?: Readonly<Record<string, string>> },
): Promise<string> {
  // `set -e` ignores a failed `cd` before `&&`, and the next line would run in another folder.
  const lines = commands
    .trim()
    .split(/(?<!\\)\n/)
    .map((line) => `${line} || exit`);
  const child = Bun.spawn(["bash", "-c", `exec 2>&1\n${lines.join("\n")}`], {
    cwd,
    env: { ...REGISTRY, PATH: process.env.PATH, HOME: cwd, NO_COLOR: "1", ...settings },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const output = await new Response(child.stdout).text();
  const code = await child.exited;
  if (code !== 0) throw new Error(`exit code ${code} of:\n${commands}\n\n${output}`);
  return output;
}
