import { expect, test } from "bun:test";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import type { ClientErrorCode } from "../../src/client/index.ts";
import { CLOSE, ERRORS } from "../../src/protocol/codes.ts";
import { builtClient } from "../support/built-client.ts";
import { temporaryFolder } from "../support/folder.ts";
import { START_MS } from "../support/house.ts";

const ROOT = join(import.meta.dir, "../..");
const TYPES = join(ROOT, "dist/client/types/client");
const text = await Bun.file(join(ROOT, "docs/CLIENT.md")).text();

test(
  "each example of docs/CLIENT.md compiles with the built types",
  async () => {
    await builtClient();
    const project = temporaryFolder();
    const files = [...text.matchAll(/^```(tsx?)\n(.*?)^```$/gms)].map(([, type, code = ""], n) => ({
      name: `${n}.${type}`,
      code,
    }));
    expect(files).toHaveLength(14);
    for (const { name, code } of files) await Bun.write(join(project.path, name), code);
    await symlink(join(ROOT, "node_modules"), join(project.path, "node_modules"));
    const compilerOptions = {
      strict: true,
      noEmit: true,
      target: "esnext",
      module: "esnext",
      moduleResolution: "bundler",
      moduleDetection: "force",
      jsx: "react-jsx",
      types: ["node"],
      skipLibCheck: true,
      paths: {
        "@parley-chat/client": [join(TYPES, "index.d.ts")],
        "@parley-chat/client/react": [join(TYPES, "react/index.d.ts")],
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
  },
  START_MS,
);

test("its tables of codes say what to do about each code, once", () => {
  const own: Record<ClientErrorCode, true> = {
    signed_out: true,
    token_failed: true,
    unsupported: true,
    unreachable: true,
    disconnected: true,
    bad_answer: true,
    not_loaded: true,
    outbox_full: true,
    withdrawn: true,
    stale_epoch: true,
    too_slow: true,
    closed: true,
    protocol: true,
    removed: true,
    left: true,
  };
  const [, failures = ""] = text.split("## Failures");
  const rows = [...failures.matchAll(/^\| ((?:`\w+`(?:, )?)+) +\|(.*)\|$/gm)].map(
    ([, codes = "", rest = ""]) => ({
      codes: codes.match(/\w+/g) ?? [],
      todo: rest.split("|").at(-1)?.trim(),
    }),
  );
  const documented = rows.flatMap(({ codes }) => codes);
  // The reason of a close is a code too.
  const all = new Set([...Object.keys(own), ...Object.keys(ERRORS), ...Object.keys(CLOSE)]);
  expect(documented.toSorted()).toEqual([...all].toSorted());
  expect(rows.filter(({ todo }) => !todo)).toEqual([]);
});
