import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { api } from "../support/api.ts";
import { builtClient } from "../support/built-client.ts";
import { temporaryFolder } from "../support/folder.ts";
import { house, START_MS } from "../support/house.ts";
import { startProxy } from "../support/proxy.ts";

setDefaultTimeout(START_MS);

const ROOT = join(import.meta.dir, "../..");
/** A project that has the package and nothing else. */
const project = temporaryFolder();

/** Node 22 or newer: the one in NODE, or the one from the development dependencies. */
const NODE = process.env.NODE || join(ROOT, `node_modules/node-${process.platform}-${process.arch}/bin/node`);
const hasNode = (await Bun.file(NODE).exists()) || process.env.CI === "true";

async function run(...command: string[]) {
  const child = Bun.spawn(command, { cwd: project.path, stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { stdout, stderr, code };
}

/** What the build printed. */
let built: string;

beforeAll(async () => {
  await mkdir(join(project.path, "node_modules/@parley-chat"), { recursive: true });
  await symlink(join(ROOT, "dist/client"), join(project.path, "node_modules/@parley-chat/client"));
  await Bun.write(join(project.path, "package.json"), '{"type": "module"}');
  built = await builtClient();
});
afterAll(() => project.remove());

describe("the built client", () => {
  test("is under 16 KB gzipped, and the build prints its size", async () => {
    const [, bytes] = /\((\d+) bytes\)/.exec(built) ?? [];
    const code = await Bun.file(join(ROOT, "dist/client/index.js")).text();
    expect(Number(bytes)).toBe(Bun.gzipSync(code, { level: 9 }).length);
    expect(Number(bytes)).toBeLessThan(16 * 1024);
    expect(code).not.toMatch(/\bfrom\s*"|\bimport\s*[("]|\brequire\(/);
  });

  for (const moduleResolution of ["nodenext", "bundler"])
    test(`has types that need no other package (${moduleResolution})`, async () => {
      await Bun.write(
        join(project.path, "use.ts"),
        `import { type Chat, ChatError, createChat, type Message, type RoomSummary } from "@parley-chat/client";
        export async function use(chat: Chat = createChat({ url: "/", storage: localStorage })): Promise<number> {
          await using room = chat.room("hall").join();
          room.on("message", ({ change, username }) => void \`\${change satisfies "created" | "updated" | "deleted"}\${username}\`);
          const messages: readonly Message[] = room.snapshot().messages;
          const { rooms, next } = await chat.listRooms({ all: true, limit: 10 });
          const more: readonly RoomSummary[] = (await chat.listRooms({ after: next })).rooms;
          const unread: number = [...rooms, ...more].reduce((sum, one) => sum + one.unread + (one.last?.id ?? 0), 0);
          // @ts-expect-error: a page has no such field
          void (await chat.listRooms()).cursor;
          const { connection } = chat.snapshot();
          if (connection.state === "closed") throw connection.error;
          // @ts-expect-error: unknown event
          room.on("massage", () => {});
          // @ts-expect-error: a message is a text
          void room.send(7);
          try {
            return (await room.send("Hello", { signal: AbortSignal.timeout(5) })).id + messages.length + unread;
          } catch (error) {
            return error instanceof ChatError && error.code === "rate_limited" ? (error.retryAfterMs ?? 0) : 0;
          }
        }`,
      );
      const module = moduleResolution === "nodenext" ? "nodenext" : "esnext";
      await Bun.write(
        join(project.path, "tsconfig.json"),
        JSON.stringify({
          compilerOptions: {
            strict: true,
            noEmit: true,
            target: "es2022",
            lib: ["es2023", "esnext.disposable", "dom"],
            module,
            moduleResolution,
            types: [],
            exactOptionalPropertyTypes: true,
          },
          files: ["use.ts"],
        }),
      );
      const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
      expect(await run(process.execPath, tsc, "-p", "tsconfig.json")).toEqual({
        code: 0,
        stdout: "",
        stderr: "",
      });
    });

  const name = "works in Node through breaking connections, and lets the process exit";
  test.if(hasNode)(hasNode ? name : `${name} (skipped: needs NODE)`, async () => {
    const { server, ada } = await house();
    const proxy = startProxy(server.port);
    let chunks = 0;
    proxy.up = proxy.down = () => (++chunks % 19 === 0 ? "cut" : "pass");
    await Bun.write(join(project.path, "talk.mjs"), Bun.file(join(import.meta.dir, "talk.mjs")));
    expect(
      Number((await run(NODE, "-p", "process.versions.node")).stdout.split(".")[0]),
    ).toBeGreaterThanOrEqual(22);
    const { stdout, stderr, code } = await run(NODE, "talk.mjs", proxy.url, "from-node");
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    const said = JSON.parse(stdout);
    const ids = Array.from({ length: 30 }, (_, n) => n + 1);
    expect(said).toMatchObject({
      account: { username: "nora", email: "nora@example.com" },
      acks: ids,
      received: ids,
      refused: "invalid",
      aborted: "never mind",
      around: [3, 4, 5, 6],
      state: "open",
    });
    const { body } = await api(server, "GET /history/from-node/?limit=100", { token: ada.token });
    expect(said.messages).toEqual((body as { room: string }[]).map(({ room: _, ...message }) => message));
    expect(proxy.total).toBeGreaterThan(3);
    proxy.stop();
  });
});
