import { afterAll, beforeAll, expect, test } from "bun:test";
import { homedir } from "node:os";
import { join } from "node:path";
import { temporaryFolder } from "../support/folder.ts";
import { START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { paste } from "./paste.ts";
import { checkOut } from "./checkout.ts";
import { blocksOf } from "./transcripts.ts";

const ROOT = join(import.meta.dir, "../..");
const page = await Bun.file(join(ROOT, "docs/API.md")).text();
const blocks = blocksOf(page).filter(({ heading }) => heading === "A typed client from TypeScript");
const codeOf = (kind: string) =>
  blocks.filter((block) => block.kind === kind).map(({ lines }) => lines.join("\n"));

/** What the compiler must refuse, because the document says better. */
const WRONG = `
import createClient from "openapi-fetch";
import type { paths } from "./api.ts";

export async function wrong() {
  const chat = createClient<paths>({ baseUrl: "http://127.0.0.1" });
  // @ts-expect-error There is no such path.
  await chat.GET("/nothing");
  // @ts-expect-error A room has a name.
  await chat.GET("/history/{room}", {});
  // @ts-expect-error The text of a message is no number.
  await chat.POST("/rooms/{room}/messages", { params: { path: { room: "lobby" } }, body: { content: 7 } });
  const { data, error } = await chat.GET("/rooms/{room}", { params: { path: { room: "lobby" } } });
  // @ts-expect-error A room has no such field.
  if (data) return data.colour;
  // @ts-expect-error This operation has no such code.
  return error.code === "email_taken";
}
`;

test("docs/API.md shows code of examples/api", async () => {
  const program = await Bun.file(join(ROOT, "examples/api/talk.ts")).text();
  const [shown = "", ...none] = codeOf("ts");
  expect(none).toEqual([]);
  expect(shown.length).toBeGreaterThan(100);
  expect(program).toContain(shown);
});

needs("TEST_REGISTRY")("a client generated from /openapi.json", () => {
  const home = temporaryFolder();
  let server: TestServer;
  beforeAll(async () => {
    await checkOut(home.path, { installed: true });
    server = await startTestServer();
  }, START_MS);
  afterAll(async () => {
    await server?.stop();
    home.remove();
  });

  test("is made, type-checked and used with the page's commands", async () => {
    const [commands = ""] = codeOf("sh");
    const [install = "", check = ""] = commands
      .replaceAll("127.0.0.1:3000", `127.0.0.1:${server.port}`)
      .split(/\n(?=bunx tsc)/);
    const settings = { BUN_INSTALL_CACHE_DIR: join(homedir(), ".bun/install/cache") };
    await paste(install, { cwd: home.path, settings });
    await Bun.write(join(home.path, "my-backend/wrong.ts"), WRONG);
    const output = await paste(check, { cwd: join(home.path, "my-backend"), settings });
    expect(output.trim().split("\n")).toEqual([
      "first attempt: 201, message 1",
      "second attempt: 200, message 1",
      "ada: Hello from a typed client",
      "refused: {",
      '  people: [ "names somebody who is not known here" ],',
      "}",
      "Order 7 is private, and ada is its owner",
    ]);
    const types = await Bun.file(join(home.path, "my-backend/api.ts")).text();
    expect(types).not.toMatch(/"application\/(problem\+)?json": (unknown|Record<string, never>)/);
  }, 120_000);
});
