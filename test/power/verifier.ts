import { join } from "node:path";
import type { Question, Verdict } from "./verify.ts";

const PROGRAM = join(import.meta.dir, "verify.ts");
/** PGlite runs in a circle after some errors. */
const LIMIT_MS = 60_000;

/** Verifies up to `count` folders at a time, each in a process of its own. */
export function createVerifiers(count: number): { verify(question: Question): Promise<Verdict> } {
  const free = Array.from({ length: count }, createVerifier);
  return {
    async verify(question) {
      const verifier = free.pop();
      if (!verifier) throw new Error(`more than ${count} folders at a time`);
      try {
        return await verifier(question);
      } finally {
        free.push(verifier);
      }
    },
  };
}

/** Returns a function that verifies one folder at a time, in a process that is replaced if it dies or hangs. */
function createVerifier(): (question: Question) => Promise<Verdict> {
  const start = () => {
    const child = Bun.spawn([process.execPath, PROGRAM], { stdin: "pipe", stdout: "pipe", stderr: "ignore" });
    return { child, lines: linesOf(child.stdout) };
  };
  let current = start();

  return async (question) => {
    const { child, lines } = current;
    child.stdin.write(`${JSON.stringify(question)}\n`);
    await child.stdin.flush();
    const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
    const { value } = await lines.next();
    clearTimeout(timer);
    if (value === undefined) {
      current = start();
      return { opens: false, lost: 0, problems: ["the verification died or hung"] };
    }
    const verdict = JSON.parse(value) as Verdict;
    if (verdict.problems.length > 0) {
      // What a failed database leaves in memory is not to be trusted.
      child.kill("SIGKILL");
      current = start();
    }
    return verdict;
  };
}

async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string, undefined> {
  let rest = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  return undefined;
}
