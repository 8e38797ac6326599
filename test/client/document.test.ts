import { expect, test } from "bun:test";
import { join } from "node:path";
import type { ClientErrorCode } from "../../src/client/index.ts";
import { ERRORS } from "../../src/protocol/codes.ts";
import { temporaryFolder } from "../support/folder.ts";

const ROOT = join(import.meta.dir, "../..");
const text = await Bun.file(join(ROOT, "docs/CLIENT.md")).text();

test("each example of docs/CLIENT.md compiles", async () => {
  const project = temporaryFolder();
  const files = [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = ""], n) => ({
    name: `${n}.ts`,
    code,
  }));
  expect(files).toHaveLength(4);
  for (const { name, code } of files) await Bun.write(join(project.path, name), code);
  const compilerOptions = {
    strict: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    target: "esnext",
    module: "esnext",
    moduleResolution: "bundler",
    moduleDetection: "force",
    types: [],
    paths: {
      "@parley-chat/client": [join(ROOT, "src/client/index.ts")],
      "@parley-chat/client/react": [join(ROOT, "src/client/react/index.ts")],
    },
  };
  await Bun.write(
    join(project.path, "tsconfig.json"),
    JSON.stringify({ compilerOptions, files: files.map(({ name }) => name) }),
  );
  const tsc = Bun.spawn([
    process.execPath,
    join(ROOT, "node_modules/typescript/bin/tsc"),
    "-p",
    project.path,
  ]);
  expect([await new Response(tsc.stdout).text(), await tsc.exited]).toEqual(["", 0]);
  project.remove();
});

test("its table of codes lists the client's own codes and none of the protocol", () => {
  const documented = [...text.matchAll(/^\| `(\w+)` +\|/gm)].map(([, code]) => code as string);
  const codes: Record<ClientErrorCode, true> = {
    signed_out: true,
    token_failed: true,
    unsupported: true,
    unreachable: true,
    disconnected: true,
    bad_answer: true,
    outbox_full: true,
    stale_epoch: true,
    too_slow: true,
    closed: true,
    protocol: true,
    removed: true,
    left: true,
  };
  const { protocol: _, ...listed } = codes; // A bug of the client: users can do nothing about it.
  expect(documented).toEqual(
    Object.keys(listed).toSorted((a, b) => documented.indexOf(a) - documented.indexOf(b)),
  );
  expect(documented.filter((code) => code in ERRORS)).toEqual([]);
});
