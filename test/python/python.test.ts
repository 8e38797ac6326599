import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { allow, change, HOOK_SECRET, refuse, startChecker } from "../hooks/checker.ts";
import { needs, PYTHON } from "../support/needs.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

// What `test/behaviour` does not show because it is not every client's: the interface of the Python client.

const LIMIT_MS = 120_000;

const SCENARIOS = {
  accounts: "a store keeps the session for the next run, renewals are shared, and a logout ends it",
  access_ends:
    "a session that was ended elsewhere closes the chat with its code, and the next login brings it back",
  iteration: "iterations have each message and change from their beginning to `leave`",
  private_rooms: "people of private and direct rooms: members, roles, mutes, notices, removals, heirs",
  lists: "the list of rooms follows what happens, and pages list every room once",
  kept: "messages are pinned in a room, and saved for oneself",
  files:
    "files are uploaded, sent, and loaded again; a message waits for its files, and later ones wait for it",
  threads: "replies in threads are sent, and read page by page",
  checked:
    "a message that the operator's hook refuses fails with the reason, and a changed one has its text in the ack",
  giving_up:
    "a cancelled change is given up, a full outbox refuses, and `close` leaves the rest for the next run",
  plain: "the plain protocol: echo, duplicate, error, resume and a refused handshake",
  example: "the program in the client's README runs",
};

needs("python3-websockets")("the Python client", () => {
  let server: TestServer;
  const checker = startChecker();
  beforeAll(async () => {
    checker.respond = ({ body: { data } }) => {
      if (data.content === "rude") return refuse("Be kind.");
      return data.content === "damn" ? change("d**n") : allow();
    };
    server = await startTestServer({
      ...{ MESSAGE_RATE: "0", BUDGETS: "0", LOGIN_RATE: "0" },
      ...{ MESSAGE_HOOK_URL: checker.url, MESSAGE_HOOK_SECRET: HOOK_SECRET, MESSAGE_HOOK_TIMEOUT: "5s" },
    });
  });
  afterAll(async () => {
    await server.stop();
    await checker.die();
  });

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
