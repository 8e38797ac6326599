import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { run } from "../../src/cli/run.ts";
import { createDataDir } from "../../src/db/template.ts";
import { memoryFolder } from "./folder.ts";
import { lastingFolder } from "./recycled.ts";
import { cachedTemplate } from "./template.ts";

const ROOT = join(import.meta.dir, "../..");

/** The command of the program under test: the binary that PARLEY names, or else the source. */
const PARLEY = process.env.PARLEY
  ? [resolve(ROOT, process.env.PARLEY)]
  : [process.execPath, join(ROOT, "src/main.ts")];

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly url: string;
  readonly pid: number;
  /** Resolves with the first line of standard output that contains the text. */
  line(text: string): Promise<string>;
  /** Resolves when the process has exited by itself. */
  readonly exited: Promise<Ended>;
  /** Sends a signal (default: SIGTERM) and resolves when the process has exited. */
  end(signal?: NodeJS.Signals): Promise<Ended>;
}

type Settings = Readonly<Record<string, string>>;

/** Creates a folder with an embedded database from the template, because a first start without it takes seconds. */
export async function dataFolder() {
  const folder = memoryFolder();
  await createDataDir(join(folder.path, "postgres"), await cachedTemplate());
  return folder;
}

/** A folder for `runCommand`, and for servers in this process. */
export const commandFolder = async (): Promise<{ path: string; remove(): unknown }> =>
  process.env.PARLEY ? dataFolder() : lastingFolder();

// Passes only the test's settings, so that the machine's environment has no effect.
const spawn = (args: readonly string[], settings: Settings, stdin: string, cwd = ROOT) =>
  Bun.spawn([...PARLEY, ...args], {
    env: { PATH: process.env.PATH, PORT: "0", ...settings },
    cwd,
    stdin: new Blob([stdin]),
    stdout: "pipe",
    stderr: "pipe",
  });

const textOf = (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => new Response(stream).text();

/** Runs the program until it exits. */
export async function runParley(
  args: readonly string[],
  settings: Settings = {},
  stdin = "",
): Promise<Ended> {
  const child = spawn(args, settings, stdin);
  const [stdout, stderr, code] = await Promise.all([
    textOf(child.stdout),
    textOf(child.stderr),
    child.exited,
  ]);
  return { code, stdout, stderr };
}

/**
 * Runs a command as `runParley` does, but in this process: starting one that opens an embedded database takes a second of
 * CPU time. The binary that PARLEY names runs for real.
 */
export async function runCommand(
  args: readonly string[],
  settings: Settings = {},
  stdin = "",
): Promise<Ended> {
  if (process.env.PARLEY) return runParley(args, settings, stdin);
  const written = { out: "", err: "" };
  const code = await run({
    args,
    env: { PORT: "0", ...settings },
    version: "test",
    user: () => "tester",
    machine: hostname(),
    program: PARLEY,
    parent: undefined,
    out: (line) => void (written.out += `${line}\n`),
    err: (line) => void (written.err += `${line}\n`),
    input: () => Promise.resolve(stdin),
    async *lines() {
      yield* stdin.split("\n");
    },
    ask: () => undefined,
    untilSignal: () => new Promise(() => {}),
  });
  return { code, stdout: written.out, stderr: written.err };
}

/** Starts the server and waits until it listens. @throws {Error} with its output if it exits instead. */
export async function startParley(settings: Settings, cwd?: string): Promise<Running> {
  const child = spawn([], settings, "", cwd);
  const stderr = textOf(child.stderr);
  const output = readLines(child.stdout);
  const first = await output.line("listening on");
  const ended = async (): Promise<Ended> => ({
    code: await child.exited,
    stdout: await output.all,
    stderr: await stderr,
  });
  if (first === undefined) throw new Error(`the server did not start: ${JSON.stringify(await ended())}`);
  return {
    url: (JSON.parse(first) as { url: string }).url,
    pid: child.pid,
    exited: ended(),
    async line(text) {
      const found = await output.line(text);
      if (found === undefined) throw new Error(`the server exited without printing "${text}"`);
      return found;
    },
    end(signal = "SIGTERM") {
      child.kill(signal);
      return ended();
    },
  };
}

/** Reads a stream to its end. `line` returns the first line with a text, or undefined if the stream ends without it. */
function readLines(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
  let text = "";
  let ended = false;
  let wake = Promise.withResolvers<void>();
  const notify = () => {
    wake.resolve();
    wake = Promise.withResolvers();
  };
  const all = (async () => {
    for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      notify();
    }
    ended = true;
    notify();
    return text;
  })();
  const line = async (wanted: string): Promise<string | undefined> => {
    for (;;) {
      const found = text
        .split("\n")
        .slice(0, -1)
        .find((candidate) => candidate.includes(wanted));
      if (found !== undefined || ended) return found;
      await wake.promise;
    }
  };
  return { all, line };
}
