import { PATIENCE_MS } from "../support/client.ts";

/** A terminal into which commands are pasted, and whose output is read. */
export interface Shell extends AsyncDisposable {
  /** Types lines; a program that runs gets them, as in a terminal. */
  type(lines: string): void;
  /** Waits until the output has that text. */
  shows(text: string): Promise<void>;
}

/** `settings`: its environment, besides the path. */
export function startShell(settings: Readonly<Record<string, string>> = {}): Shell {
  const child = Bun.spawn(["bash"], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
    detached: true, // a group of its own, so that what it has started ends with it
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
    type(lines) {
      child.stdin.write(`${lines}\n`);
      child.stdin.flush();
    },
    async shows(text) {
      const end = performance.now() + PATIENCE_MS;
      while (!output.includes(text)) {
        const left = end - performance.now();
        if (left <= 0) throw new Error(`it does not show ${text} but:\n${output}`);
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
