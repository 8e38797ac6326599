import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { makeTemplate, TEMPLATE_FILE } from "../src/db/template.ts";
import { buildPage, PAGE_FOLDER } from "../src/http/page/files.ts";
import { checkWeight } from "./weight.ts";

// Builds dist/parley: one self-contained file with the embedded database, a template of its data directory and the
// migrations.

process.chdir(join(import.meta.dir, ".."));
await mkdir("dist", { recursive: true });
const page = await buildPage();
const weight = checkWeight(page);
const work = await mkdtemp("dist/build-");
try {
  const template = join(work, TEMPLATE_FILE);
  await Bun.write(template, await makeTemplate());
  for (const { name, content } of page) await Bun.write(join(work, PAGE_FOLDER, name), content);
  const built = await Bun.build({
    entrypoints: ["src/main.ts", "src/db/pglite-worker.ts"],
    compile: {
      outfile: join(work, "parley"),
      assets: ["drizzle", template, join(work, PAGE_FOLDER)],
      // Ignore .env and bunfig.toml in the working directory.
      autoloadDotenv: false,
      autoloadBunfig: false,
    },
    // Flat names, so that the entry point finds the worker beside it.
    naming: { entry: "[name].[ext]" },
    format: "esm",
    bytecode: true,
    minify: true,
    sourcemap: "linked",
  });
  for (const log of built.logs) console.error(String(log));
  await rename(join(work, "parley"), "dist/parley");
} finally {
  await rm(work, { recursive: true, force: true });
}
console.log(`dist/parley: ${(Bun.file("dist/parley").size / 1e6).toFixed(0)} MB`);
console.log(`the page: ${weight.first} bytes gzipped before it shows, ${weight.whole} in total`);
