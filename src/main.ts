import { version } from "../package.json";
import { bunProblem } from "./cli/bun-version.ts";

// Everything else is loaded after this check, because an older Bun may fail on it with an obscure error.
const problem = bunProblem(typeof Bun === "undefined" ? undefined : Bun.version);
if (problem) {
  console.error(problem);
  process.exit(1);
}

// New files are for this user only, whichever part or thread of the program creates them.
process.umask(0o077);

const [{ writeSync }, os, { run }, { createLog }] = await Promise.all([
  import("node:fs"),
  import("node:os"),
  import("./cli/run.ts"),
  import("./log.ts"),
]);

for (const event of ["uncaughtException", "unhandledRejection"] as const)
  process.on(event, (error: unknown) => {
    createLog("fatal").fatal({ err: error }, event);
    process.exit(1);
  });

// The first signal goes to the command that waits for it. Any other signal ends the process at once.
let onSignal: (() => void) | undefined;
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;
for (const [signal, code] of Object.entries(EXIT_CODES))
  process.on(signal, () => {
    const first = onSignal;
    onSignal = undefined;
    if (first) first();
    else process.exit(code);
  });

// Defined if this process was started by Bun.spawn with an IPC channel.
const parent = process.send && {
  send: (message: object) => void process.send?.(message),
  listen: (receive: (message: unknown) => void) => void process.on("message", receive),
  gone: new Promise<void>((resolve) => void process.once("disconnect", resolve)),
};
/** Bun's own function believes the environment. A container may run as a user that has no name. */
function user(): string {
  const uid = process.getuid?.();
  if (uid === 0 && process.env.SUDO_USER) return process.env.SUDO_USER;
  try {
    const name = Bun.spawnSync(["id", "-un"]).stdout.toString().trim();
    if (name) return name;
  } catch {
    // There is no such program.
  }
  return `uid ${uid}`;
}

// The compiled program is one executable that contains this file.
const compiled = import.meta.path.startsWith("/$bunfs/");

const code = await run({
  args: process.argv.slice(2),
  env: process.env,
  version,
  user,
  machine: os.hostname(),
  program: compiled ? [process.execPath] : [process.execPath, import.meta.path],
  parent,
  out: (line) => void writeSync(1, `${line}\n`),
  err: (line) => void writeSync(2, `${line}\n`),
  input: () => (process.stdin.isTTY ? Promise.resolve("") : Bun.stdin.text()),
  lines: () => console,
  ask(question, secret) {
    if (!process.stdin.isTTY) return undefined;
    const echo = (how: "echo" | "-echo") => secret && Bun.spawnSync(["stty", how], { stdin: "inherit" });
    echo("-echo");
    try {
      return prompt(question) ?? undefined;
    } finally {
      if (echo("echo")) console.error();
    }
  },
  untilSignal: () => new Promise((resolve) => (onSignal = resolve)),
});
process.exit(code);
