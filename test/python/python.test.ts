import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { startTestServer, type TestServer } from "../support/server.ts";

/** Debian's Python, for which python3-websockets is installed. PYTHON overrides it. */
const PYTHON = process.env.PYTHON ?? "/usr/bin/python3";
const LIMIT_MS = 120_000;

const SCENARIOS = {
  talk: "two people exchange messages, and both copies equal the server's history",
  resume: "resumes without gaps in a busy room after repeated cuts",
  resend: "resends messages that were unacknowledged at a cut, and each is stored once",
  dedupe: "a clientId yields one message, even on another socket, in capitals and over HTTP",
  lag: "a client that stops reading lags and then catches up completely",
  begin_anew: "drops its copy and pages back if it is too far behind or the epoch has changed",
  change: "edits, deletions and reactions apply once despite cuts, and the copy equals the server's history",
  mark: "the read mark only moves forward, and the person's other socket receives it",
  access_ends:
    "after a logout the socket closes with 4500, and the client does not reconnect before the next login",
  plain: "the plain protocol: echo, duplicate, error, resume and a refused handshake",
};

function websocketsVersion(): string | undefined {
  try {
    const { success, stdout } = Bun.spawnSync(
      [PYTHON, "-c", "import websockets; print(websockets.__version__)"],
      {
        stderr: "ignore",
      },
    );
    return success ? stdout.toString().trim() : undefined;
  } catch {
    return undefined; // Python is not installed
  }
}

const version = websocketsVersion();
const TITLE = "a Python client written from docs/PROTOCOL.md";

if (version)
  describe(`${TITLE} (websockets ${version})`, () => {
    let server: TestServer;
    beforeAll(async () => {
      server = await startTestServer({ MESSAGE_RATE: "0", BUDGETS: "0", LOGIN_RATE: "0" });
    });
    afterAll(() => server.stop());

    for (const [name, sentence] of Object.entries(SCENARIOS))
      test(
        sentence,
        async () => {
          const child = Bun.spawn([PYTHON, "-B", join(import.meta.dir, "scenarios.py"), server.url, name], {
            stdout: "pipe",
            stderr: "pipe",
          });
          const [stdout, stderr] = await Promise.all([
            new Response(child.stdout).text(),
            new Response(child.stderr).text(),
          ]);
          expect(stderr).toBe("");
          expect(stdout).toBe(`${name} passed\n`);
          expect(await child.exited).toBe(0);
        },
        LIMIT_MS,
      );
  });
else if (process.env.CI === "true")
  test(TITLE, () => {
    throw new Error("needs python3-websockets; with CI=true nothing may be skipped");
  });
else test.skip(`${TITLE} (skipped: needs python3-websockets)`, () => {});
