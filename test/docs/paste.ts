/** Runs commands in bash, as when pasted, until one of them fails. Returns what they print. @throws {Error} with the output. */
export async function paste(
  commands: string,
  { cwd, settings = {} }: { cwd: string; settings?: Readonly<Record<string, string>> },
): Promise<string> {
  const child = Bun.spawn(["bash", "-ec", `exec 2>&1\n${commands}`], {
    cwd,
    env: { PATH: process.env.PATH, HOME: cwd, NO_COLOR: "1", ...settings },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const output = await new Response(child.stdout).text();
  const code = await child.exited;
  if (code !== 0) throw new Error(`exit code ${code} of:\n${commands}\n\n${output}`);
  return output;
}
