/** Runs a command to its end, with an empty standard input unless there is one. */
export async function run(
  command: readonly string[],
  { cwd, env = {}, stdin = "" }: { cwd: string; env?: Readonly<Record<string, string>>; stdin?: string },
) {
  const child = Bun.spawn([...command], {
    cwd,
    env: { ...process.env, ...env },
    stdin: new Blob([stdin]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { stdout, stderr, code };
}
