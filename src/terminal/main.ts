import { writeSync } from "node:fs";
import { createInterface, type Interface } from "node:readline";
import { Writable } from "node:stream";
import { chat } from "./chat.ts";

// The command of the client's package, for Node and Bun.

const { stdin, stdout } = process;
const err = (line: string) => void writeSync(2, `${line}\n`);

let hidden = false;
let reader: Interface | undefined;
/** Reads lines: with the editing of a terminal, if there is one. */
function input(): Interface {
  if (reader) return reader;
  const terminal = Boolean(stdin.isTTY);
  const echo = new Writable({
    write(bytes, _, done) {
      // At once, because what waits here would be hidden by a later question.
      if (!hidden) stdout.write(bytes);
      done();
    },
  });
  reader = createInterface({ input: stdin, terminal, ...(terminal && { output: echo }) });
  // In raw mode, the terminal sends no signal.
  reader.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  return reader;
}

async function run(): Promise<number> {
  if (!globalThis.WebSocket) {
    err(
      `Node ${process.versions.node} has no WebSocket. Use Node 22 or newer, or Bun; or set NODE_OPTIONS=--experimental-websocket.`,
    );
    return 1;
  }
  return chat(
    {
      args: process.argv.slice(2),
      env: process.env,
      out: (line) => void writeSync(1, `${line}\n`),
      err,
      lines: input,
      async ask(question, secret) {
        if (!stdin.isTTY) return undefined;
        const answer = new Promise<string | undefined>((resolve) => {
          input().question(`${question} `, resolve);
          input().once("close", () => resolve(undefined));
        });
        hidden = secret;
        return answer.finally(() => {
          if (secret) err("");
          hidden = false;
        });
      },
      untilSignal: () =>
        new Promise<void>((resolve) => {
          for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => resolve());
        }),
    },
    "parley-chat",
  );
}

process.exit(await run());
