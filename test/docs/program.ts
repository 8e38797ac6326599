/** A program that listens on a port. */
export interface Program extends AsyncDisposable {
  /** Resolves with the address that it prints once it listens. Rejects with its output if it exits before. */
  url(): Promise<string>;
}

/** Starts a program in a folder. Its environment is `PATH` and these settings. */
export async function startProgram(
  command: readonly string[],
  cwd: string,
  settings: Readonly<Record<string, string>>,
): Promise<Program> {
  const child = Bun.spawn([...command], {
    cwd,
    env: { PATH: process.env.PATH, NO_COLOR: "1", ...settings },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  let output = "";
  const printed = Promise.withResolvers<string>();
  const reading = (async () => {
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      output += chunk;
      const [found] = /http:\/\/[\w.:[\]]+\/?/.exec(output) ?? [];
      if (found && output.includes("\n", output.indexOf(found)))
        printed.resolve(found.replace(/\/?$/, "/").replace("[::]", "localhost"));
    }
    printed.reject(new Error(`the program exited without an address. Its output: ${output}`));
  })();
  printed.promise.catch(() => {});
  return {
    url: () => printed.promise,
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.exited;
      await reading.catch(() => {});
    },
  };
}
