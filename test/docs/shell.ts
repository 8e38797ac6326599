import { PATIENCE_MS } from "../support/client.ts";

/** A terminal for pasting commands and reading their output. */
export interface Shell extends AsyncDisposable {
  /** What it has shown so far. */
  readonly output: string;
  /** Types lines. A running program gets them as its input, as in a terminal. */
  type(lines: string): void;
  /** Resolves when the output contains `text`. */
  shows(text: string): Promise<void>;
}

/** Starts bash. Its environment is `PATH` and `settings`. */
export function startShell(settings: Readonly<Record<string, string>> = {}): Shell {
  const child = Bun.spawn(["bash"], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
    detached: true, // own process group, so that disposing also ends everything that it started
    ...(settings.HOME && { cwd: settings.HOME }),
    env: { PATH: process.env.PATH, ...settings },
  });
  let output = "";
  let wake = () => {};
  const drain = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
    for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
      output += chunk;
      wake();
    }
  };
  void Promise.all([drain(child.stdout), drain(child.stderr)]);

  return {
    get output() {
      return output;
    },
    type(lines) {
      child.stdin.write(`${lines}\n`);
      child.stdin.flush();
    },
    async shows(text) {
      const end = performance.now() + PATIENCE_MS;
      while (!output.includes(text)) {
        const left = end - performance.now();
        if (left <= 0) throw new Error(`the terminal does not show ${text}. Its output:\n${output}`);
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, left);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      process.kill(-child.pid);
      await child.exited;
    },
  };
}
