import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { startTestServer, type TestServer } from "../support/server.ts";

/** Debian's own Python, which is the one that python3-websockets is installed for; or another, by PYTHON. */
const PYTHON = process.env.PYTHON ?? "/usr/bin/python3";
const LIMIT_MS = 120_000;

const SCENARIOS = {
  talk: "two people talk, and both have what the server has",
  resume: "cut again and again in a room that is written to, it resumes and misses nothing",
  resend: "what was unsettled when the connection was cut is sent again and is there once",
  dedupe: "a clientId is one message, on another socket, in capitals and over HTTP",
  lag: "a client that stops reading lags and then has everything",
  begin_anew: "too far behind, or of another epoch, it drops its copy and pages back",
  change: "what it edits, deletes and reacts to is changed once, cut or not, and is what the server has",
  mark: "its read mark goes forward only, and its other socket hears of it",
  access_ends: "after a logout it is closed with 4500 and stays away until it has logged in",
  plain: "the plain protocol: echo, duplicate, error, resume, a refused handshake",
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
    return undefined; // there is no Python
  }
}

const version = websocketsVersion();
const TITLE = "a client in Python, written from docs/PROTOCOL.md";

if (version)
  describe(`${TITLE} (websockets ${version})`, () => {
    let server: TestServer;
    beforeAll(async () => {
      server = await startTestServer({ MESSAGE_RATE: "0", LOGIN_RATE: "0" });
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
          const [said, complaint] = await Promise.all([
            new Response(child.stdout).text(),
            new Response(child.stderr).text(),
          ]);
          expect(complaint).toBe("");
          expect(said).toBe(`${name} holds\n`);
          expect(await child.exited).toBe(0);
        },
        LIMIT_MS,
      );
  });
else if (process.env.CI === "true")
  test(TITLE, () => {
    throw new Error("needs python3-websockets, and with CI=true nothing is skipped");
  });
else test.skip(`${TITLE} (skipped: needs python3-websockets)`, () => {});
